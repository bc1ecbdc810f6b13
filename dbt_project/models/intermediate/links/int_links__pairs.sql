-- The candidates that are worth comparing: those of which more agrees than a part of the name, and
-- the nearest by name.
with candidates as (

    select * from {{ ref('int_links__candidates') }}

),

contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

name_letters as (

    select * from {{ ref('int_links__name_letters') }}

),

ranked as (

    select
        candidates.contact_number,
        candidates.company_number,
        contacts.core_number as contact_core,
        companies.core_number as company_core,
        candidates.by_domain,
        candidates.by_colleagues,
        candidates.by_office,
        greatest(
            candidates.by_domain, candidates.by_colleagues, candidates.by_domain_name,
            candidates.by_email, candidates.by_phone, candidates.by_office, candidates.by_vat,
            candidates.by_address, candidates.by_part, candidates.by_initials, candidates.by_person,
            candidates.by_alias
        ) as is_found_otherwise,
        row_number() over (
            partition by candidates.contact_number
            order by coalesce(name_letters.cosine, 0) desc, candidates.company_number asc
        ) as place
    from candidates
    inner join contacts on candidates.contact_number = contacts.contact_number
    inner join companies on candidates.company_number = companies.company_number
    left join name_letters
        on
            contacts.core_number = name_letters.contact_core
            and companies.core_number = name_letters.company_core

)

select
    contact_number,
    company_number,
    contact_core,
    company_core,
    by_domain,
    by_colleagues,
    by_office
from ranked
where is_found_otherwise = 1 or place <= {{ var('link_nearest_names') }}
