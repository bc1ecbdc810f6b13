-- Every row of a source is in its mart once, and every link is counted once.
with counts as (

    select
        (select count(*) from {{ ref('stg_kananas__contacts') }}) as staged_contacts,
        (select count(*) from {{ ref('contacts') }}) as contacts,
        (select count(*) from {{ ref('stg_kizen__companies') }}) as staged_companies,
        (select count(*) from {{ ref('companies') }}) as companies,
        (select count(*) from {{ ref('stg_kizen__deals') }}) as staged_deals,
        (select count(*) from {{ ref('deals') }}) as deals,
        (select count(*) from {{ ref('stg_kizen__activities') }}) as staged_activities,
        (select count(*) from {{ ref('activities') }}) as activities,
        (select count(company_id) from {{ ref('contacts') }}) as links,
        (select coalesce(sum(contact_count), 0) from {{ ref('companies') }}) as counted_links

)

select *
from counts
where
    staged_contacts <> contacts
    or staged_companies <> companies
    or staged_deals <> deals
    or staged_activities <> activities
    or links <> counted_links
