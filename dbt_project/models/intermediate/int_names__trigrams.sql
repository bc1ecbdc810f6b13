with cores as (

    select
        core_number,
        '  ' || core_name || ' ' as padded_name
    from {{ ref('int_names__cores') }}
    where is_part = 0 and core_name <> ''

),

all_grams as (

    {{ trigrams_of('cores', 'padded_name', ['core_number']) }}

),

grams as (

    select distinct
        core_number,
        gram
    from all_grams

),

name_counts as (

    select count(*) as name_count from cores

),

frequencies as (

    select
        gram,
        count(*) as frequency
    from grams
    group by gram

),

numbered_grams as (

    {{ numbered_rows('frequencies', ['gram'], 'gram_number') }}

),

-- Rarity as that of words: tenths of a logarithm, in whole numbers, a thousand names supposed.
weights as (

    select
        frequencies.gram,
        frequencies.gram_number,
        greatest(
            1,
            cast(
                round(10 * ln(greatest(name_counts.name_count, 1000) * 1.0 / frequencies.frequency))
                as integer
            )
        ) as weight
    from numbered_grams as frequencies
    cross join name_counts

)

select
    grams.core_number,
    cast(weights.gram_number as integer) as gram_number,
    weights.weight
from grams
inner join weights on grams.gram = weights.gram
