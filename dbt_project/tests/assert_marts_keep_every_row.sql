-- Every contact and company of the sources is in its mart once, and every link is counted once.
with counts as (

    select
        (select count(*) from {{ ref('stg_kananas__contacts') }}) as staged_contacts,
        (select count(*) from {{ ref('contacts') }}) as contacts,
        (select count(*) from {{ ref('stg_kizen__companies') }}) as staged_companies,
        (select count(*) from {{ ref('companies') }}) as companies,
        (select count(company_id) from {{ ref('contacts') }}) as links,
        (select coalesce(sum(contact_count), 0) from {{ ref('companies') }}) as counted_links

)

select *
from counts
where
    staged_contacts <> contacts
    or staged_companies <> companies
    or links <> counted_links
