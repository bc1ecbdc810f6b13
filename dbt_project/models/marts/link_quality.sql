with counted as (

    select * from {{ ref('int_samples__counted') }}

),

bounds as (

    select * from {{ ref('int_samples__bounds') }}

),

decided as (

    select * from {{ ref('int_links__decided') }}

),

drawn as (

    select
        max(sample_id) as sample_id,
        max(drawn_at) as sampled_at,
        max(rule_version) as sampled_rule_version,
        max(margin) as margin
    from {{ ref('int_samples__drawn') }}

),

recall_scopes as (

    select 'auto and review' as scope
    union all
    select 'auto' as scope

),

scopes as (

    select
        'precision' as measure,
        status as scope,
        count(*) as contact_count,
        cast(sum(confidence) as double) / count(confidence) as expected
    from decided
    where status <> 'none'
    group by status

    union all

    select
        'precision' as measure,
        status || ': ' || tier as scope,
        count(*) as contact_count,
        cast(sum(confidence) as double) / count(confidence) as expected
    from decided
    where status = 'auto'
    group by status, tier

    union all

    select
        'recall' as measure,
        recall_scopes.scope,
        count(*) as contact_count,
        cast(null as double) as expected
    from decided
    cross join recall_scopes
    group by recall_scopes.scope

),

-- What one cell says: of a precision the only one. Nobody is drawn twice: the more of all contacts
-- were judged, the less is left to chance.
sized as (

    select
        counted.*,
        case
            when counted.measure = 'recall' or counted.scope = counted.cell then counted.cell_size
            else scopes.contact_count
        end as population,
        counted.judged_count + counted.unsure_count as told_count
    from counted
    left join scopes on counted.measure = scopes.measure and counted.scope = scopes.scope

),

shares as (

    select
        sized.*,
        found.lower_bound as binomial_found_lower,
        found.upper_bound as binomial_found_upper,
        missed.lower_bound as binomial_missed_lower,
        missed.upper_bound as binomial_missed_upper,
        surely_found.lower_bound as binomial_surely_found_lower,
        perhaps_missed.upper_bound as binomial_perhaps_missed_upper,
        cast(sized.found_count as double) / nullif(sized.judged_count, 0) as found_share,
        cast(sized.missed_count as double) / nullif(sized.judged_count, 0) as missed_share,
        cast(sized.found_count as double) / nullif(sized.told_count, 0) as surely_found_share,
        cast(sized.missed_count + sized.unsure_count as double)
        / nullif(sized.told_count, 0) as perhaps_missed_share,
        case
            when sized.judged_count >= sized.population then 0
            else sqrt(
                cast(sized.population - sized.judged_count as double)
                / nullif(sized.population - 1, 0)
            )
        end as chance,
        case
            when sized.told_count >= sized.population then 0
            else sqrt(
                cast(sized.population - sized.told_count as double)
                / nullif(sized.population - 1, 0)
            )
        end as chance_of_told
    from sized
    left join bounds as found
        on sized.found_count = found.successes and sized.judged_count = found.trials
    left join bounds as missed
        on sized.missed_count = missed.successes and sized.judged_count = missed.trials
    left join bounds as surely_found
        on
            sized.found_count = surely_found.successes
            and sized.told_count = surely_found.trials
    left join bounds as perhaps_missed
        on
            sized.missed_count + sized.unsure_count = perhaps_missed.successes
            and sized.told_count = perhaps_missed.trials

),

-- The finite population correction of the distances, and half an answer against the steps in which
-- shares of a sample go; never wider than without.
steps as (

    select
        *,
        case when chance > 0 then (1 - chance) / nullif(2.0 * judged_count, 0) else 0 end as step,
        case
            when chance_of_told > 0 then (1 - chance_of_told) / nullif(2.0 * told_count, 0)
            else 0
        end as step_of_told
    from shares

),

cells as (

    select
        *,
        found_share - least(
            found_share - binomial_found_lower,
            chance * (found_share - binomial_found_lower) + step
        ) as found_lower,
        found_share + least(
            binomial_found_upper - found_share,
            chance * (binomial_found_upper - found_share) + step
        ) as found_upper,
        missed_share - least(
            missed_share - binomial_missed_lower,
            chance * (missed_share - binomial_missed_lower) + step
        ) as missed_lower,
        missed_share + least(
            binomial_missed_upper - missed_share,
            chance * (binomial_missed_upper - missed_share) + step
        ) as missed_upper,
        surely_found_share - least(
            surely_found_share - binomial_surely_found_lower,
            chance_of_told * (surely_found_share - binomial_surely_found_lower) + step_of_told
        ) as surely_found_lower,
        perhaps_missed_share + least(
            binomial_perhaps_missed_upper - perhaps_missed_share,
            chance_of_told * (binomial_perhaps_missed_upper - perhaps_missed_share) + step_of_told
        ) as perhaps_missed_upper
    from steps

),

-- The contacts of all cells: each cell's share times its size. The distances from the share to its
-- exact bounds are squared and added (Zou and Donner's method of variance estimates recovery).
totals as (

    select
        measure,
        scope,
        sum(drawn_count) as drawn_count,
        sum(answered_count) as answered_count,
        sum(judged_count) as judged_count,
        sum(found_count) as found_count,
        sum(unsure_count) as unsure_count,
        sum(changed_count) as changed_count,
        sum(contradicted_count) as contradicted_count,
        max(case when judged_count = 0 and unsure_count = 0 then 1 else 0 end) = 0 as is_known,
        sum(cell_size * found_share) as found,
        sum(cell_size * missed_share) as missed,
        sum(cell_size * surely_found_share) as surely_found,
        sum(cell_size * perhaps_missed_share) as perhaps_missed,
        sqrt(sum(power(cell_size * (found_share - found_lower), 2))) as found_less,
        sqrt(sum(power(cell_size * (found_upper - found_share), 2))) as found_more,
        sqrt(sum(power(cell_size * (missed_share - missed_lower), 2))) as missed_less,
        sqrt(sum(power(cell_size * (missed_upper - missed_share), 2))) as missed_more,
        sqrt(sum(power(cell_size * (surely_found_share - surely_found_lower), 2)))
            as surely_found_less,
        sqrt(sum(power(cell_size * (perhaps_missed_upper - perhaps_missed_share), 2)))
            as perhaps_missed_more
    from cells
    where measure = 'recall'
    group by measure, scope

),

recalls as (

    select
        *,
        found / nullif(found + missed, 0) as estimate,
        greatest(found - found_less, 0)
        / nullif(greatest(found - found_less, 0) + missed + missed_more, 0) as lower_bound,
        (found + found_more)
        / nullif(found + found_more + greatest(missed - missed_less, 0), 0) as upper_bound,
        greatest(surely_found - surely_found_less, 0)
        / nullif(
            greatest(surely_found - surely_found_less, 0) + perhaps_missed + perhaps_missed_more, 0
        ) as cautious_lower_bound
    from totals
    where is_known

),

measured as (

    select
        measure,
        scope,
        drawn_count,
        answered_count,
        judged_count,
        found_count,
        unsure_count,
        changed_count,
        contradicted_count,
        found_share as estimate,
        found_lower as lower_bound,
        found_upper as upper_bound,
        surely_found_lower as cautious_lower_bound
    from cells
    where measure = 'precision'

    union all

    select
        totals.measure,
        totals.scope,
        totals.drawn_count,
        totals.answered_count,
        totals.judged_count,
        totals.found_count,
        totals.unsure_count,
        totals.changed_count,
        totals.contradicted_count,
        recalls.estimate,
        recalls.lower_bound,
        recalls.upper_bound,
        recalls.cautious_lower_bound
    from totals
    left join recalls on totals.measure = recalls.measure and totals.scope = recalls.scope

)

select
    scopes.measure,
    scopes.scope,
    scopes.contact_count,
    cast(scopes.expected as double) as expected,
    cast(coalesce(measured.drawn_count, 0) as bigint) as drawn_count,
    cast(coalesce(measured.judged_count, 0) as bigint) as judged_count,
    cast(coalesce(measured.found_count, 0) as bigint) as right_count,
    cast(coalesce(measured.unsure_count, 0) as bigint) as unsure_count,
    cast(coalesce(measured.changed_count, 0) as bigint) as changed_count,
    cast(coalesce(measured.contradicted_count, 0) as bigint) as contradicted_count,
    round(measured.estimate, 6) as estimate,
    round(measured.lower_bound, 6) as lower_bound,
    round(measured.upper_bound, 6) as upper_bound,
    round(measured.cautious_lower_bound, 6) as cautious_lower_bound,
    drawn.margin,
    -- The square of the width goes with what is left to judge for each that was judged.
    cast(case
        when measured.estimate is null then measured.drawn_count - measured.answered_count
        when
            measured.upper_bound - measured.lower_bound <= 2 * drawn.margin
            or measured.judged_count >= scopes.contact_count
            then 0
        else
            ceil(
                scopes.contact_count / (
                    1
                    + power(2 * drawn.margin / (measured.upper_bound - measured.lower_bound), 2)
                    * (cast(scopes.contact_count as double) / measured.judged_count - 1)
                )
            ) - measured.judged_count
    end as bigint) as more_judgements,
    drawn.sample_id,
    drawn.sampled_at,
    drawn.sampled_rule_version
from scopes
cross join drawn
left join measured on scopes.measure = measured.measure and scopes.scope = measured.scope
