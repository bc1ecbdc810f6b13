-- The exact interval of 95 % of each share that a quality needs: Clopper and Pearson's. The upper
-- bound is 1 less the lower bound of all the others.
with counted as (

    select * from {{ ref('int_samples__counted') }}

),

asked as (

    select
        found_count as successes,
        judged_count as trials
    from counted

    union all

    select
        missed_count as successes,
        judged_count as trials
    from counted

    union all

    -- Who could not tell, counted as a wrong link or as one that was missed.
    select
        found_count as successes,
        judged_count + unsure_count as trials
    from counted

    union all

    select
        missed_count + unsure_count as successes,
        judged_count + unsure_count as trials
    from counted

),

pairs as (

    select
        successes,
        trials
    from asked
    where trials > 0 and successes is not null

    union

    select
        trials - successes as successes,
        trials
    from asked
    where trials > 0 and successes is not null

),

lower_bounds as (

    {{ binomial_lower_bounds('pairs') }}

)

select
    ours.successes,
    ours.trials,
    round(ours.lower_bound, 6) as lower_bound,
    round(1 - others.lower_bound, 6) as upper_bound
from lower_bounds as ours
inner join lower_bounds as others
    on ours.trials = others.trials and ours.trials - ours.successes = others.successes
