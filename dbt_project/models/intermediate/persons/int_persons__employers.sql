-- The company of each person of the CRM, by its name and its domains; and what each contact says
-- of its own: a row per value.
with keys as (

    select * from {{ ref('int_persons__keys') }}

),

people as (

    select
        keys.person_number,
        companies.company_id,
        companies.core_number
    from {{ ref('stg_kizen__contacts') }} as people
    inner join keys on people.kizen_contact_id = keys.person_id and keys.side = 'person'
    inner join {{ ref('int_companies__match_keys') }} as companies
        on people.company_id = companies.company_id

),

contacts as (

    select
        keys.person_number,
        keys.person_id,
        match_keys.core_number
    from {{ ref('int_contacts__match_keys') }} as match_keys
    inner join keys on match_keys.contact_id = keys.person_id and keys.side = 'contact'

)

select
    person_number,
    'name' as kind,
    '' || core_number as employer
from people
where core_number is not null

union all

select
    people.person_number,
    'domain' as kind,
    domains.domain as employer
from people
inner join {{ ref('int_companies__domains') }} as domains on people.company_id = domains.company_id

union all

select
    person_number,
    'name' as kind,
    '' || core_number as employer
from contacts
where core_number is not null

union all

select
    contacts.person_number,
    'domain' as kind,
    domains.domain as employer
from contacts
inner join {{ ref('int_contacts__domains') }} as domains on contacts.person_id = domains.contact_id
