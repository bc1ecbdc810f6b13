-- The keys under which each person is looked for, on either side alike.
{#- A postal code may be mistyped. -#}
{%- set house = "house_number || '|' || street_end || '|' || postal_code || '|'" %}
{%- set house_in_city = "house_number || '|' || street_end || '|' || city || '|'" %}
{%- set keys = [
    ('email', "email"),
    ('birth_date', "birth_key || '|' || left(first_head, 2)"),
    ('birth_date', "birth_key || '|' || left(last_key, 2)"),
    ('place', "last_key || '|' || postal_code"),
    ('place', "first_key || '|' || postal_code"),
    ('place', "birth_key || '|' || postal_code"),
    ('place', "birth_key || '|' || city"),
    ('house', house ~ " || left(first_head, 2)"),
    ('house', house ~ " || left(last_key, 2)"),
    ('house', house_in_city ~ " || left(first_head, 2)"),
    ('house', house_in_city ~ " || left(last_key, 2)"),
    ('beginnings', "left(first_key, 3) || '|' || left(last_key, 4)"),
    ('endings', "left(first_key, 2) || '|' || case when length(last_key) >= 5 then right(last_key, 4) end"),
] %}

with persons as (

    select
        *,
        extract(year from birth_date) || '|'
        || least(extract(month from birth_date), extract(day from birth_date)) || '|'
        || greatest(extract(month from birth_date), extract(day from birth_date)) as birth_key
    from {{ ref('int_persons__keys') }}

),

phones as (

    select * from {{ ref('int_persons__phones') }}

),

found as (

    select
        side,
        person_number,
        'phone' as rule,
        phone as block_key
    from phones

    -- A part of either name is enough; the order of the two columns does not count.
    {%- for first in ['first_head', 'first_tail', 'full_form', 'first_key'] %}
        {%- for last in ['last_key', 'last_head', 'last_tail'] %}

            union all

            select
                side,
                person_number,
                'name' as rule,
                least({{ first }}, {{ last }}) || '|' || greatest({{ first }}, {{ last }})
                    as block_key
            from persons
            where {{ first }} is not null and {{ last }} is not null
        {%- endfor %}
    {%- endfor %}

    -- Where a part is missing, so is the key.
    {%- for rule, block_key in keys %}

        union all

        select
            side,
            person_number,
            '{{ rule }}' as rule,
            {{ block_key }} as block_key
        from persons
        where {{ block_key }} is not null
    {%- endfor %}

)

-- Names without parts have one key several times.
select distinct
    side,
    person_number,
    rule,
    block_key
from found
