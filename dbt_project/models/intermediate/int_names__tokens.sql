with cores as (

    select * from {{ ref('int_names__cores') }}
    where is_part = 0

),

common_words as (

    select word from {{ ref('common_words') }}
    where found_in = 'name'

),

generic_words as (

    select word from {{ ref('generic_words') }}

),

words as (

    {{ words_of('cores', 'core_name', ['core_number']) }}

),

-- Articles and "and" take no place: initials leave them out, too.
placed_words as (

    select
        core_number,
        word,
        is_small,
        case
            when not is_small
                then row_number() over (partition by core_number, is_small order by position)
        end as place
    from (
        select
            *,
            {{ is_small_word('word') }} as is_small
        from words
    ) as words_by_kind

),

tokens as (

    select
        core_number,
        word as token,
        is_small,
        min(place) as place
    from placed_words
    group by core_number, word, is_small

),

name_counts as (

    select count(*) as name_count from cores

),

frequencies as (

    select
        token,
        is_small,
        count(*) as frequency
    from tokens
    group by token, is_small

),

numbered_tokens as (

    {{ numbered_rows('frequencies', ['token'], 'token_number') }}

),

-- Rarity in tenths of a logarithm, so that sums are whole numbers and the same on every engine. Few
-- names say little about how rare a word is: a thousand are supposed.
weights as (

    select
        frequencies.token,
        frequencies.token_number,
        cast(
            round(10 * ln(greatest(name_counts.name_count, 1000) * 1.0 / frequencies.frequency))
            as integer
        ) as rarity,
        frequencies.is_small,
        case
            when
                frequencies.is_small
                or common_words.word is not null
                or generic_words.word is not null
                then 1
            else 0
        end as is_generic,
        common_words.word is not null or length(frequencies.token) = 1 as is_common
    from numbered_tokens as frequencies
    cross join name_counts
    left join common_words on frequencies.token = common_words.word
    left join generic_words on frequencies.token = generic_words.word

),

weighted as (

    select
        tokens.core_number,
        tokens.token,
        cast(weights.token_number as integer) as token_number,
        cast(tokens.place as integer) as place,
        weights.is_generic,
        case
            when weights.is_small then least(greatest(weights.rarity, 1), 3)
            when weights.is_common then least(greatest(weights.rarity, 1), 15)
            else greatest(weights.rarity, 1)
        end as weight
    from tokens
    inner join weights on tokens.token = weights.token

)

select
    core_number,
    token,
    token_number,
    place,
    is_generic,
    weight,
    row_number() over (partition by core_number order by weight desc, token asc) as rarity_rank
from weighted
