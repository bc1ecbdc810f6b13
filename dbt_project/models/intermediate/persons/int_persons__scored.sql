-- One row per pair that may be one person: the level of each feature, its weight, and the score,
-- which is the sum of the weights.
with weighed as (

    select * from {{ ref('int_persons__weighed') }}

),

patterns as (

    select * from {{ ref('int_persons__patterns') }}
    where pattern_level is not null

),

person_levels as (

    select * from {{ ref('person_levels') }}
    where feature = 'pattern'

)

select
    weighed.*,
    patterns.pattern_level,
    coalesce(person_levels.weight, 0) as pattern_weight,
    weighed.agreement + coalesce(person_levels.weight, 0) as score
from weighed
left join patterns
    on
        weighed.contact_number = patterns.contact_number
        and weighed.kizen_number = patterns.kizen_number
left join person_levels on patterns.pattern_level = person_levels.level
where weighed.is_allowed or patterns.pattern_level is not null
