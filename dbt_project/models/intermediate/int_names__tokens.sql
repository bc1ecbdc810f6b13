with names as (

    select * from {{ ref('int_names__normalised') }}

),

common_words as (

    select word from {{ ref('common_words') }}
    where found_in = 'name'

),

cores as (

    {{ numbered_core_names('names') }}

),

words as (

    {{ words_of('cores', 'core_name', ['core_number']) }}

),

tokens as (

    select distinct
        core_number,
        word as token
    from words

),

name_counts as (

    select count(*) as name_count from cores

),

frequencies as (

    select
        token,
        count(*) as frequency
    from tokens
    group by token

),

-- Rarity in tenths of a logarithm, so that sums are whole numbers and the same on every engine. Few
-- names say little about how rare a word is: a thousand are supposed.
weights as (

    select
        frequencies.token,
        row_number() over (order by frequencies.token) as token_number,
        cast(
            round(10 * ln(greatest(name_counts.name_count, 1000) * 1.0 / frequencies.frequency))
            as integer
        ) as rarity,
        common_words.word is not null or length(frequencies.token) = 1 as is_common
    from frequencies
    cross join name_counts
    left join common_words on frequencies.token = common_words.word

),

weighted as (

    select
        tokens.core_number,
        tokens.token,
        weights.token_number,
        case
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
    weight,
    row_number() over (partition by core_number order by weight desc, token asc) as rarity_rank
from weighted
