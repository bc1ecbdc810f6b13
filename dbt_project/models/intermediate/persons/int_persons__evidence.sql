-- What speaks for and against the best person for each contact: a row per feature.
{{ config(materialized='view') }}

with tiers as (

    select * from {{ ref('int_persons__tiers') }}

),

person_levels as (

    select * from {{ ref('person_levels') }}

),

levels as (

    {% for feature in person_features() %}
        select
            contact_number,
            {{ loop.index }} as position,
            '{{ feature }}' as feature,
            {{ feature }}_level as level
        from tiers
        where {{ feature }}_level is not null
        {%- if not loop.last %}

            union all
        {% endif %}
    {%- endfor %}

)

select
    levels.contact_number,
    levels.position,
    levels.feature,
    levels.level,
    person_levels.weight,
    person_levels.wording
from levels
inner join person_levels
    on
        levels.feature = person_levels.feature
        and levels.level = person_levels.level
where person_levels.wording is not null and person_levels.wording <> ''
