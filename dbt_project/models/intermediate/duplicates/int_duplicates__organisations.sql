-- Pairs of companies of the CRM, and of contacts that are organisations, that may be one, entered
-- twice. Points are tenths of the decimal logarithm of odds: the confidence is what they say.
{%- set features = ['name', 'vat', 'domain', 'phone', 'address'] %}

with compared as (

    select
        levels.*,
        duplicate_levels.weight as pair_weight
    from {{ ref('int_duplicates__organisation_levels') }} as levels
    cross join {{ ref('duplicate_levels') }} as duplicate_levels
    where duplicate_levels.feature = 'pair'

),

scored as (

    {{ weighed_levels(
        'compared', features, 'score', extra='levels.pair_weight', seed='duplicate_levels'
    ) }}

),

reasons as (

    {{ told_reasons(
        'scored', ['side', 'left_number', 'right_number'], features, 'duplicate_levels'
    ) }}

),

judged as (

    select
        scored.side,
        scored.left_number,
        scored.right_number,
        scored.left_id,
        scored.right_id,
        scored.score,
        cast(round(1 / (1 + power(10, -scored.score / 10.0)), 3) as decimal(4, 3)) as confidence
    from scored

)

select
    judged.side,
    judged.left_id,
    judged.right_id,
    judged.score,
    judged.confidence,
    reasons.reasons
from judged
left join reasons
    on
        judged.side = reasons.side
        and judged.left_number = reasons.left_number
        and judged.right_number = reasons.right_number
where judged.confidence >= {{ var('review_confidence') }}
