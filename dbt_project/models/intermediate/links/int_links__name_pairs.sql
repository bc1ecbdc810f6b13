with candidates as (

    select * from {{ ref('int_links__candidates') }}

),

contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

)

-- Many contacts write one name: each two names are compared once.
select distinct
    contacts.core_number as contact_core,
    companies.core_number as company_core
from candidates
inner join contacts on candidates.contact_number = contacts.contact_number
inner join companies on candidates.company_number = companies.company_number
where contacts.core_number is not null and companies.core_number is not null
