-- The share of right links by tier and lead: as shipped, and as the account's sample moves it.
{%- set used = 'moved_confidence' if var('link_bands_follow') else 'shipped_confidence' %}
{#- How far all bands are supposed to be shifted and stretched: the variances around nothing. #}
{%- set shift_variance, stretch_variance, rounds = 0.12, 0.04, 6 %}
{%- set shipped = 'least(greatest(cast(bands.confidence as double), 0.001), 0.999)' %}
{%- set above = 'odds.log_odds - ln(9)' %}
{%- set chance %}
        1 / (
            1 + exp(-(odds.log_odds + moves.shift + moves.stretch * ({{ above }})))
        )
{%- endset %}

with bands as (

    select
        tier,
        lower_bound,
        confidence,
        lead(lower_bound) over (partition by tier order by lower_bound asc) as upper_bound
    from {{ ref('link_bands') }}

),

-- Each contact of the sample stands for as many as its stratum has for each that was judged: in
-- hundredths, so that sums are of whole numbers, and do not depend on their order.
judged as (

    select
        contact_id,
        answer,
        judged_company_id,
        cast(round(100.0 * stratum_size / count(*) over (partition by stratum)) as bigint) as weight
    from {{ ref('int_samples__judged') }}
    where answer in ('company', 'none')

),

weighed as (

    select
        bands.tier,
        bands.lower_bound,
        judged.weight,
        case when judged.judged_company_id = tiers.company_id then judged.weight else 0 end
            as right_weight
    from judged
    inner join {{ ref('int_links__tiers') }} as tiers on judged.contact_id = tiers.contact_id
    inner join bands
        on
            tiers.tier = bands.tier
            and tiers.lead >= bands.lower_bound
            and tiers.lead < coalesce(bands.upper_bound, 1000000)
    -- No other company is ever proposed: its confidence is nobody's.
    where tiers.score >= {{ var('link_threshold') }}

),

-- Unequal weights tell less: of so many links as would tell as much if they were equal (Kish).
seen as (

    select
        tier,
        lower_bound,
        cast(sum(right_weight) as double) / sum(weight) as share,
        power(cast(sum(weight) as double), 2) / sum(weight * weight) as links
    from weighed
    group by tier, lower_bound

),

-- All bands may be too sure alike, or too little: on the scale of the logarithm of the odds they
-- are shifted, and stretched around 0.9 (Platt's scaling). Few judgements tell that before they
-- tell of one band. Newton's method; sums are of millionths, and so do not depend on their order.
odds as (

    select
        bands.tier,
        bands.lower_bound,
        coalesce(seen.links, 0) as links,
        coalesce(seen.share, 0) as share,
        ln({{ shipped }} / (1 - {{ shipped }})) as log_odds
    from bands
    left join seen on bands.tier = seen.tier and bands.lower_bound = seen.lower_bound

),

moves_0 as (

    select
        cast(0 as double) as shift,
        cast(0 as double) as stretch

),
{%- for round in range(rounds) %}

    chances_{{ round }} as (

        select
            odds.links,
            odds.share,
            {{ above }} as above,
            moves.shift,
            moves.stretch,
            {{ chance }} as chance
        from odds
        cross join moves_{{ round }} as moves

    ),

    -- Shift and stretch are the same in each row: without a key, Spark knows that one row is left.
    slopes_{{ round }} as (

        select
            max(shift) as shift,
            max(stretch) as stretch,
            cast(
                sum(cast(round(1000000 * links * (share - chance)) as bigint)) as double
            ) / 1000000 - max(shift) / {{ shift_variance }} as of_shift,
            cast(
                sum(cast(round(1000000 * links * above * (share - chance)) as bigint)) as double
            ) / 1000000 - max(stretch) / {{ stretch_variance }} as of_stretch,
            cast(
                sum(cast(round(1000000 * links * chance * (1 - chance)) as bigint)) as double
            ) / 1000000 + 1 / {{ shift_variance }} as of_both_shift,
            cast(
                sum(cast(round(1000000 * links * above * above * chance * (1 - chance)) as bigint))
                as double
            ) / 1000000 + 1 / {{ stretch_variance }} as of_both_stretch,
            cast(
                sum(cast(round(1000000 * links * above * chance * (1 - chance)) as bigint))
                as double
            ) / 1000000 as of_each
        from chances_{{ round }}

    ),

    moves_{{ round + 1 }} as (

        select
            shift + least(greatest(
                (of_both_stretch * of_shift - of_each * of_stretch)
                / (of_both_shift * of_both_stretch - of_each * of_each),
                -2
            ), 2) as shift,
            stretch + least(greatest(
                (of_both_shift * of_stretch - of_each * of_shift)
                / (of_both_shift * of_both_stretch - of_each * of_each),
                -0.5
            ), 0.5) as stretch
        from slopes_{{ round }}

    ),
{%- endfor %}

shifted as (

    select
        odds.tier,
        odds.lower_bound,
        odds.links,
        odds.share,
        {{ chance }} as confidence
    from odds
    cross join moves_{{ rounds }} as moves

),

-- The mean of a beta-binomial, in millionths of links: what the band would be by the others counts
-- as so many links.
moved as (

    select
        tier,
        lower_bound,
        cast(round(1000000 * ({{ var('link_bands_prior') }} + links)) as bigint) as links,
        cast(round(
            1000000 * ({{ var('link_bands_prior') }} * confidence + links * share)
        ) as bigint) as right_links
    from shifted

),

-- A longer lead is never less sure: isotonic regression, which gives a band the largest, over all
-- bands to begin with below it, of the least mean over all bands to end with above it.
runs as (

    select
        lowest.tier,
        lowest.lower_bound as first_bound,
        highest.lower_bound as last_bound,
        cast(sum(inside.right_links) as double) / sum(inside.links) as share
    from moved as lowest
    inner join moved as highest
        on lowest.tier = highest.tier and lowest.lower_bound <= highest.lower_bound
    inner join moved as inside
        on
            lowest.tier = inside.tier
            and inside.lower_bound between lowest.lower_bound and highest.lower_bound
    group by lowest.tier, lowest.lower_bound, highest.lower_bound

),

least_means as (

    select
        runs.tier,
        runs.first_bound,
        bands.lower_bound,
        min(runs.share) as share
    from bands
    inner join runs
        on
            bands.tier = runs.tier
            and bands.lower_bound between runs.first_bound and runs.last_bound
    group by runs.tier, runs.first_bound, bands.lower_bound

),

confidences as (

    select
        tier,
        lower_bound,
        cast(round(least(max(share), 0.999), 3) as decimal(4, 3)) as moved_confidence
    from least_means
    group by tier, lower_bound

),

compared as (

    select
        bands.tier,
        bands.lower_bound,
        bands.confidence as shipped_confidence,
        confidences.moved_confidence,
        coalesce(seen.links, 0) as judged_links
    from bands
    inner join confidences
        on bands.tier = confidences.tier and bands.lower_bound = confidences.lower_bound
    left join seen on bands.tier = seen.tier and bands.lower_bound = seen.lower_bound

)

select
    *,
    {{ used }} as confidence
from compared
