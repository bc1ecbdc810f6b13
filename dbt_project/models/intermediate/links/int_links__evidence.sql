-- What speaks for and against the best company of each contact: a row per feature.
{{ config(materialized='view') }}

{%- set features = [
    'name', 'team', 'name_city', 'form', 'contact_missing', 'company_missing', 'rarest_word',
    'contact_rival', 'company_rival', 'name_standing', 'vat', 'domain', 'domain_standing', 'phone',
    'address', 'city', 'country',
] %}

with tiers as (

    select * from {{ ref('int_links__tiers') }}

),

link_levels as (

    select * from {{ ref('link_levels') }}

),

levels as (

    {% for feature in features %}
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
    link_levels.weight,
    link_levels.wording
from levels
inner join link_levels
    on
        levels.feature = link_levels.feature
        and levels.level = link_levels.level
where link_levels.wording is not null and link_levels.wording <> ''
