with names as (

    select * from {{ ref('int_names__normalised') }}

),

cores as (

    {{ numbered_core_names('names') }}

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
