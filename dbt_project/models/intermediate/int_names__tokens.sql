with names as (

    select * from {{ ref('int_names__normalised') }}

),

common_words as (

    select word from {{ ref('common_words') }}
    where found_in = 'name'

),

cores as (

    select distinct core_name from names

),

tokens as (

    select distinct
        cores.core_name,
        words.word as token
    from cores
    {{ cross_join_words('cores.core_name', 'words') }}

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
        cast(
            round(10 * ln(greatest(name_counts.name_count, 1000) * 1.0 / frequencies.frequency))
            as {{ dbt.type_int() }}
        ) as rarity,
        common_words.word is not null or length(frequencies.token) = 1 as is_common
    from frequencies
    cross join name_counts
    left join common_words on frequencies.token = common_words.word

),

weighted as (

    select
        tokens.core_name,
        tokens.token,
        case
            when weights.is_common then least(greatest(weights.rarity, 1), 15)
            else greatest(weights.rarity, 1)
        end as weight
    from tokens
    inner join weights on tokens.token = weights.token

)

select
    core_name,
    token,
    weight,
    row_number() over (partition by core_name order by weight desc, token) as rarity_rank
from weighted
