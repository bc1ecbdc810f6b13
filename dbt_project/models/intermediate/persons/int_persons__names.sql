-- First and last names of both sides, as they are compared. Each step is a query of its own, so
-- that it is worked out once.
with written as (

    select * from {{ ref('int_persons__written') }}

),

plain as (

    select
        side,
        person_id,
        nullif({{ without_civility(plain_words('first_name')) }}, '') as first_words,
        nullif({{ plain_words('last_name') }}, '') as last_words,
        nullif({{ without_civility(plain_words('full_name')) }}, '') as full_words,
        nullif({{ plain_words("split_part(full_name, ',', 1)") }}, '') as before_comma,
        nullif({{ plain_words("split_part(full_name, ',', 2)") }}, '') as after_comma
    from written

),

-- Where one column holds the whole name, the first word is the first name; a single word is what
-- its column says.
wholes as (

    select
        *,
        case
            when first_words is null or last_words is null
                then coalesce(full_words, last_words, first_words)
        end as whole_words
    from plain

),

parted as (

    select
        side,
        person_id,
        case
            when whole_words is null then first_words
            when whole_words = full_words and after_comma is not null then after_comma
            when instr(whole_words, ' ') > 0 then split_part(whole_words, ' ', 1)
            when last_words is null then first_words
        end as first_words,
        case
            when whole_words is null then last_words
            when whole_words = full_words and after_comma is not null then before_comma
            when instr(whole_words, ' ') > 0
                then substring(whole_words, instr(whole_words, ' ') + 1)
            when last_words is not null or first_words is null then whole_words
        end as last_words
    from wholes

),

without_particles as (

    select
        *,
        coalesce(nullif({{ without_particles('last_words') }}, ''), last_words) as last_core
    from parted

)

select
    side,
    person_id,
    first_words,
    last_core,
    {{ squeezed_name('first_words') }} as first_key,
    {{ squeezed_name("split_part(first_words, ' ', 1)") }} as first_head,
    {{ squeezed_name(regexp_replace_all('first_words', '^.* ', '')) }} as first_tail,
    not {{ regexp_matches('first_words', '[^ ][^ ]') }} as is_initial,
    {{ squeezed_name('last_core') }} as last_key,
    {{ squeezed_name('last_words') }} as last_whole,
    {{ squeezed_name("split_part(last_core, ' ', 1)") }} as last_head,
    {{ squeezed_name(regexp_replace_all('last_core', '^.* ', '')) }} as last_tail
from without_particles
where first_words is not null or last_words is not null
