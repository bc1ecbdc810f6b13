-- One row per pair: the level of each feature of it, its weight, and the score: the sum of the
-- weights.
with compared as (

    select * from {{ ref('int_links__compared') }}

),

standings as (

    select * from {{ ref('int_links__standings') }}

),

pair_weights as (

    select weight from {{ ref('int_links__levels') }}
    where feature = 'pair'

),

pairs as (

    select
        compared.*,
        pair_weights.weight as pair_weight,
        case
            when compared.domain_level in ('own', 'colleagues', 'spelled_own')
                then standings.domain_standing
        end as domain_standing_level,
        -- Who is elsewhere by its own domain is one of those who were counted.
        case
            when coalesce(compared.name_level, '') not in ('exact', 'generic') then null
            when
                standings.name_standing = 'disputed'
                and compared.domain_level in ('of_other', 'other_own', 'other_ending', 'other_city')
                then null
            else standings.name_standing
        end as name_standing_level
    from compared
    cross join pair_weights
    left join standings on compared.company_number = standings.company_number

)

{{ weighed_levels(
    'pairs', pair_features(), 'score', extra='levels.pair_weight + coalesce(levels.name_score, 0)'
) }}
