-- The keys under which each person is looked for, on either side alike.
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
        'email' as rule,
        email as block_key
    from persons
    where email is not null

    union all

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

    {%- for name in ['first_head', 'last_key'] %}

        union all

        select
            side,
            person_number,
            'birth_date' as rule,
            birth_key || '|' || left({{ name }}, 2) as block_key
        from persons
        where birth_key is not null and {{ name }} is not null
    {%- endfor %}

    {%- for key, place in [
        ('last_key', 'postal_code'), ('first_key', 'postal_code'),
        ('birth_key', 'postal_code'), ('birth_key', 'city'),
    ] %}

        union all

        select
            side,
            person_number,
            'place' as rule,
            {{ key }} || '|' || {{ place }} as block_key
        from persons
        where {{ key }} is not null and {{ place }} is not null
    {%- endfor %}

    -- One name may be misspelt, and the date, too.
    {%- for name in ['first_head', 'last_key'] %}

        union all

        select
            side,
            person_number,
            'house' as rule,
            house_number || '|' || street_end || '|' || coalesce(postal_code, city) || '|'
            || left({{ name }}, 2) as block_key
        from persons
        where
            house_number is not null
            and street_end is not null
            and {{ name }} is not null
            and coalesce(postal_code, city) is not null
    {%- endfor %}

    union all

    select
        side,
        person_number,
        'beginnings' as rule,
        left(first_key, 3) || '|' || left(last_key, 4) as block_key
    from persons
    where first_key is not null and last_key is not null

    union all

    select
        side,
        person_number,
        'endings' as rule,
        left(first_key, 2) || '|' || right(last_key, 4) as block_key
    from persons
    where first_key is not null and length(last_key) >= 5

)

-- Names without parts have one key several times.
select distinct
    side,
    person_number,
    rule,
    block_key
from found
