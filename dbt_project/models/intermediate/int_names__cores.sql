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
    -- A second team or a youth of one club: "Nantes II", "Nantes B".
    {{ regexp_first_group('core_name', ' (ii|iii|iv|[b-d]|[2-4]|u[0-9][0-9]|reserves?)$') }}
        as team,
    {{ spelled_name('core_name') }} as spelled_name,
    nullif({{ squeezed_name(regexp_first_group('core_name', '^([^ ]+) ')) }}, '') as first_word,
    nullif({{ squeezed_name(regexp_first_group('core_name', '^([^ ]+ [^ ]+) ')) }}, '')
        as first_words
from cores
