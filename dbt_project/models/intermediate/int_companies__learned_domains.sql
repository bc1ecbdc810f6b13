with contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

contact_domains as (

    select * from {{ ref('int_contacts__domains') }}

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

company_domains as (

    select * from {{ ref('int_companies__domains') }}

),

-- Only names that one company bears say whose domain it is, and only a company that lists no domain
-- has one that is to be learned.
own_names as (

    select
        squeezed_name,
        min(company_id) as company_id
    from companies
    where squeezed_name is not null
    group by squeezed_name
    having count(*) = 1 and max(domain_label) is null

),

listed_domains as (

    select distinct domain from company_domains

),

witnesses as (

    select
        contact_domains.domain,
        own_names.company_id,
        contacts.contact_id
    from contact_domains
    inner join contacts on contact_domains.contact_id = contacts.contact_id
    inner join own_names on contacts.squeezed_name = own_names.squeezed_name
    left join listed_domains on contact_domains.domain = listed_domains.domain
    where listed_domains.domain is null

)

select
    domain,
    min(company_id) as company_id,
    min(contact_id) as first_contact_id,
    max(contact_id) as last_contact_id
from witnesses
group by domain
having min(company_id) = max(company_id)
