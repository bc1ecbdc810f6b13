-- How many of the contacts' names are like a company's, and how many of those are equal to it: one
-- row. Few names tell neither.
with name_letters as (

    select * from {{ ref('int_links__name_letters') }}

),

contact_names as (

    select distinct core_number from {{ ref('int_contacts__match_keys') }}
    where core_number is not null

),

nearest as (

    select
        contact_core,
        max(cosine) as cosine,
        max(case when contact_core = company_core then 1 else 0 end) as is_equal
    from name_letters
    group by contact_core

),

counts as (

    select
        count(*) as names,
        count(case when nearest.cosine >= 60 then 1 end) as alike_names,
        count(case when nearest.is_equal = 1 then 1 end) as equal_names
    from contact_names
    left join nearest on contact_names.core_number = nearest.contact_core

)

select
    case when names >= 100 then cast(floor(100.0 * alike_names / names) as integer) end
        as alike_share,
    case when alike_names >= 30 then cast(floor(100.0 * equal_names / alike_names) as integer) end
        as equal_share
from counts
