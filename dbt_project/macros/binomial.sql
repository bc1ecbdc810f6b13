{#-
    Selects `successes`, `trials` and `lower_bound`: the least share of which so many or more come by
    chance once in forty times. `pairs` is a relation of the first two, of at most 9,999 trials.

    Each round finds one more digit of the bound, in base 16: seven are exact to eight decimals.
-#}
{% macro binomial_lower_bounds(pairs, rounds=7) -%}
    with digits as (
        {%- for digit in range(10) %}
        select {{ digit }} as digit
        {{- ' union all' if not loop.last }}
        {%- endfor %}
    ),

    most as (
        select max(trials) as trials from {{ pairs }}
    ),

    numbers as (
        select cast(
            ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit as bigint
        ) as number
        from digits as ones
        cross join digits as tens
        cross join digits as hundreds
        cross join digits as thousands
    ),

    factorials as (
        select
            numbers.number,
            sum(ln(greatest(numbers.number, 1))) over (order by numbers.number asc) as logarithm
        from numbers
        cross join most
        where numbers.number <= most.trials
    ),

    {#- The terms of the shorter tail: from the successes up, or below them. #}
    terms as (
        select
            pairs.successes,
            pairs.trials,
            numbers.number,
            pairs.trials - numbers.number as others,
            of_all.logarithm - of_some.logarithm - of_others.logarithm as logarithm
        from {{ pairs }} as pairs
        inner join numbers
            on
                numbers.number <= pairs.trials
                and (numbers.number >= pairs.successes) = (2 * pairs.successes > pairs.trials)
        inner join factorials as of_all on pairs.trials = of_all.number
        inner join factorials as of_some on numbers.number = of_some.number
        inner join factorials as of_others on pairs.trials - numbers.number = of_others.number
        where pairs.successes > 0
    ),

    steps as (
        select cast(number as double) as step from numbers
        where number between 1 and 15
    ),

    bounds_0 as (
        select
            successes,
            trials,
            cast(0 as double) as lower_bound,
            cast(1 as double) / 16 as width
        from {{ pairs }}
        where successes > 0
    ),
    {%- for round in range(rounds) %}

    tails_{{ round }} as (
        select
            bounds.successes,
            bounds.trials,
            bounds.lower_bound,
            bounds.width,
            steps.step,
            sum(exp(
                terms.logarithm
                + terms.number * ln(bounds.lower_bound + bounds.width * steps.step)
                + terms.others * ln(1 - bounds.lower_bound - bounds.width * steps.step)
            )) as tail
        from bounds_{{ round }} as bounds
        cross join steps
        inner join terms on bounds.successes = terms.successes and bounds.trials = terms.trials
        group by bounds.successes, bounds.trials, bounds.lower_bound, bounds.width, steps.step
    ),

    bounds_{{ round + 1 }} as (
        select
            successes,
            trials,
            lower_bound + width * sum(
                case
                    when case when 2 * successes > trials then tail else 1 - tail end <= 0.025 then 1
                    else 0
                end
            ) as lower_bound,
            width / 16 as width
        from tails_{{ round }}
        group by successes, trials, lower_bound, width
    ),
    {%- endfor %}

    found as (
        select
            pairs.successes,
            pairs.trials,
            coalesce(bounds.lower_bound, 0) as lower_bound
        from {{ pairs }} as pairs
        left join bounds_{{ rounds }} as bounds
            on pairs.successes = bounds.successes and pairs.trials = bounds.trials
    )

    select
        successes,
        trials,
        lower_bound
    from found
{%- endmacro %}
