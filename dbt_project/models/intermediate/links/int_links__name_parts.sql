-- Pairs of names of which a part of one is the other, a part of it, or a word of it.
with name_pairs as (

    select * from {{ ref('int_links__compared_names') }}
    where contact_core <> company_core

),

names as (

    select * from {{ ref('int_names__cores') }}

),

parts as (

    select * from {{ ref('int_names__part_names') }}

),

tokens as (

    select * from {{ ref('int_names__tokens') }}

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

),

found as (

    select
        name_pairs.contact_core,
        name_pairs.company_core,
        'part' as part_level
    from name_pairs
    inner join
        wholes_and_parts as contact_parts
        on name_pairs.contact_core = contact_parts.core_number
    inner join wholes_and_parts as company_parts
        on
            name_pairs.company_core = company_parts.core_number
            and contact_parts.part = company_parts.part

    union all

    select
        name_pairs.contact_core,
        name_pairs.company_core,
        'part_word' as part_level
    from name_pairs
    inner join parts on name_pairs.contact_core = parts.core_number
    inner join tokens
        on
            name_pairs.company_core = tokens.core_number
            and parts.part = tokens.token

    union all

    select
        name_pairs.contact_core,
        name_pairs.company_core,
        'part_word' as part_level
    from name_pairs
    inner join parts on name_pairs.company_core = parts.core_number
    inner join tokens
        on
            name_pairs.contact_core = tokens.core_number
            and parts.part = tokens.token

)

-- By the alphabet, `part` is before `part_word`.
select
    contact_core,
    company_core,
    min(part_level) as part_level
from found
group by contact_core, company_core
