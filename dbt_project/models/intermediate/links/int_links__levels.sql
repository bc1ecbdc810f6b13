-- The levels with the weights that count: the account's own, or those of the seed.
with levels as (

    select * from {{ ref('link_levels') }}

),

own_weights as (

    select * from {{ ref('int_links__own_weights') }}

)

select
    levels.feature,
    levels.level,
    levels.trend,
    levels.place,
    levels.weight as shipped_weight,
    levels.speaks,
    levels.wording,
    coalesce(own_weights.weight, levels.weight) as weight
from levels
left join own_weights
    on levels.feature = own_weights.feature and levels.level = own_weights.level
