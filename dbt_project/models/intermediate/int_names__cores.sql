with names as (

    select * from {{ ref('int_names__normalised') }}

),

-- The core names, with the numbers by which all models know them.
core_names as (

    select
        core_name,
        min(is_part) as is_part,
        max(full_initials) as full_initials
    from names
    group by core_name

),

cores as (

    {{ numbered_rows('core_names', ['core_name'], 'core_number') }}

)

select
    core_name,
    core_number,
    is_part,
    {{ squeezed_name('core_name') }} as squeezed_name,
    {{ regexp_replace_all('core_name', '[^0-9]+', '') }} as digits,
    {{ initials('core_name') }} as initials,
    full_initials,
    {{ long_initials('core_name') }} as long_initials,
    -- A second team or a youth of one club: "Nantes II", "Nantes B".
    {{ team('core_name') }} as team,
    {{ spelled_name('core_name') }} as spelled_name,
    nullif({{ squeezed_name(regexp_first_group('core_name', '^([^ ]+) ')) }}, '') as first_word,
    nullif({{ squeezed_name(regexp_first_group('core_name', '^([^ ]+ [^ ]+) ')) }}, '')
        as first_words
from cores
