-- Pairs of persons in one system who may be one person, registered twice.
{%- set features = person_features() | reject('in', ['namesakes', 'employer', 'pattern']) | list %}

-- Two of a club or a firm have its address and number in common: the last names have to agree, or
-- the birth dates.
with scored as (

    select * from {{ ref('int_persons__scored') }}
    where
        is_duplicate
        and coalesce(birth_date_level, '') <> 'differs'
        -- Without a first name, two of a family are alike.
        and (
            first_name_level is not null
            or coalesce(email_level, '') = 'equal'
            or last_name_level <> 'differs' and coalesce(birth_date_level, '') = 'equal'
        )
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

reasons as (

    {{ told_reasons('scored', ['contact_number', 'kizen_number'], features, 'person_levels') }}

),

-- The band of a pair is the highest that it reaches.
confidences as (

    select
        scored.contact_number,
        scored.kizen_number,
        max_by(person_bands.confidence, person_bands.lower_bound) as confidence
    from scored
    inner join person_bands
        on
            {{ person_band_evidence('scored') }} = person_bands.evidence
            and scored.score >= person_bands.lower_bound
    group by scored.contact_number, scored.kizen_number

)

select
    keys.side,
    scored.contact_id as left_id,
    scored.kizen_contact_id as right_id,
    scored.score,
    confidences.confidence,
    reasons.reasons
from scored
inner join keys on scored.contact_number = keys.person_number
inner join confidences
    on
        scored.contact_number = confidences.contact_number
        and scored.kizen_number = confidences.kizen_number
left join reasons
    on
        scored.contact_number = reasons.contact_number
        and scored.kizen_number = reasons.kizen_number
where confidences.confidence >= {{ var('review_confidence') }}
