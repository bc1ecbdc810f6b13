-- Pairs of names of which a part of one is the other, or a part of it.
with pairs as (

    select * from {{ ref('int_links__pairs') }}

),

name_pairs as (

    select distinct
        contact_core,
        company_core
    from pairs
    where contact_core <> company_core

),

names as (

    select * from {{ ref('int_names__cores') }}

),

parts as (

    select * from {{ ref('int_names__part_names') }}

),

wholes_and_parts as (

    select
        core_number,
        part
    from parts

    union

    select
        core_number,
        squeezed_name as part
    from names
    where length(squeezed_name) >= 3

)

select distinct
    name_pairs.contact_core,
    name_pairs.company_core
from name_pairs
inner join wholes_and_parts as contact_parts on name_pairs.contact_core = contact_parts.core_number
inner join wholes_and_parts as company_parts
    on
        name_pairs.company_core = company_parts.core_number
        and contact_parts.part = company_parts.part
