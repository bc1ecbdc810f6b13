-- Pairs whose names need not be compared: the contact names no organisation, or a person decided
-- which company the name stands for. What agrees better by itself is left out.
with pairs as (

    select * from {{ ref('int_links__pairs') }}

),

contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

aliases as (

    select
        squeezed_name,
        company_number
    from {{ ref('int_names__aliases') }}
    where is_active

),

name_scores as (

    select * from {{ ref('int_links__name_scores') }}

),

name_weights as (

    select
        level,
        weight
    from {{ ref('int_links__levels') }}
    where feature = 'name'

),

said as (

    select
        pairs.contact_number,
        pairs.company_number,
        coalesce(name_scores.name_score, 0) as name_score,
        case
            when pairs.contact_core is null then 'not_given'
            when pairs.company_number = aliases.company_number then 'alias'
            when pairs.company_number <> aliases.company_number then 'alias_of_other'
        end as name_level
    from pairs
    inner join contacts on pairs.contact_number = contacts.contact_number
    left join aliases on contacts.squeezed_name = aliases.squeezed_name
    left join name_scores
        on
            pairs.contact_core = name_scores.contact_core
            and pairs.company_core = name_scores.company_core

)

select
    said.contact_number,
    said.company_number,
    said.name_level,
    name_weights.weight as name_score
from said
inner join name_weights on said.name_level = name_weights.level
where
    said.name_level = 'not_given'
    or (said.name_level = 'alias' and said.name_score < name_weights.weight)
    or (said.name_level = 'alias_of_other' and said.name_score > name_weights.weight)
