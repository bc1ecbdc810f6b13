-- A weight of the account is a whole number, and of a level that there is.
select
    own_weights.feature,
    own_weights.level,
    own_weights.written_weight
from {{ ref('int_links__own_weights') }} as own_weights
left join {{ ref('link_levels') }} as levels
    on own_weights.feature = levels.feature and own_weights.level = levels.level
where
    levels.feature is null
    or own_weights.weight is null
    or own_weights.weight <> {{ try_to_number('own_weights.written_weight') }}
