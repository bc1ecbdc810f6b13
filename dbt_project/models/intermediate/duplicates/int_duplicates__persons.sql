-- Pairs of persons in one system who may be one person, registered twice.
{%- set features = person_features() | reject('in', ['namesakes', 'employer']) | list %}

-- Two of a club or a firm have its address and number in common: the last names have to agree, or
-- the birth dates.
with scored as (

    select * from {{ ref('int_persons__scored') }}
    where
        is_duplicate
        and coalesce(birth_date_level, '') <> 'differs'
        and (
            last_name_level <> 'differs'
            or coalesce(birth_date_level, '') = 'equal'
            or (last_name_level is null and coalesce(email_level, '') = 'equal')
        )

),

keys as (

    select
        person_number,
        side
    from {{ ref('int_persons__keys') }}

),

person_bands as (

    select * from {{ ref('person_bands') }}

),

told as (

    {{ told_levels('scored', ['contact_number', 'kizen_number'], features, 'person_levels') }}

),

reasons as (

    select
        contact_number,
        kizen_number,
        {{ words_in_order('wording', 'position', '; ') }} as reasons
    from told
    group by contact_number, kizen_number

),

band_bounds as (

    select
        scored.contact_number,
        scored.kizen_number,
        max(person_bands.lower_bound) as lower_bound
    from scored
    inner join person_bands on scored.score >= person_bands.lower_bound
    group by scored.contact_number, scored.kizen_number

)

select
    keys.side,
    scored.contact_id as left_id,
    scored.kizen_contact_id as right_id,
    scored.score,
    person_bands.confidence,
    reasons.reasons
from scored
inner join keys on scored.contact_number = keys.person_number
inner join band_bounds
    on
        scored.contact_number = band_bounds.contact_number
        and scored.kizen_number = band_bounds.kizen_number
inner join person_bands on band_bounds.lower_bound = person_bands.lower_bound
left join reasons
    on
        scored.contact_number = reasons.contact_number
        and scored.kizen_number = reasons.kizen_number
where person_bands.confidence >= {{ var('review_confidence') }}
