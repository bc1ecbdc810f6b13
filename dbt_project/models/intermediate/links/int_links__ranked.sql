-- The best company of each contact, and how far it is ahead of all others and of none; what a
-- person ruled out is left out. What a sample ruled out stays: it shows how right the rules are.
with overrides as (

    select * from {{ ref('int_link_overrides__checked') }}
    where decision = 'forbid' and effect = 'in force' and sample is null

),

-- A score of 0 is as likely to be right as wrong: what is far below it takes no part.
scored as (

    select pairs.*
    from {{ ref('int_links__scored') }} as pairs
    left join overrides
        on
            pairs.contact_id = overrides.contact_id
            and pairs.company_id = overrides.company_id
    where overrides.contact_id is null and pairs.score >= -40

),

placed as (

    select
        contact_number,
        company_id,
        score,
        row_number() over (partition by contact_number order by score desc, company_id asc) as place
    from scored

),

firsts as (

    select * from placed
    where place = 1

),

best as (

    select scored.*
    from scored
    inner join firsts
        on
            scored.contact_number = firsts.contact_number
            and scored.company_id = firsts.company_id

),

runners_up as (

    select * from placed
    where place = 2

),

-- Ten points are ten times the odds. In millionths of the best one's, so that the sum is a whole
-- number.
rivals as (

    select
        placed.contact_number,
        cast(sum(
            cast(round(1000000 * power(10, (placed.score - best.score) / 10.0)) as bigint)
        ) as bigint) as odds
    from placed
    inner join best on placed.contact_number = best.contact_number
    where placed.place > 1
    group by placed.contact_number

)

select
    best.*,
    runners_up.company_id as runner_up_company_id,
    best.score - runners_up.score as margin,
    cast(round(
        -10 * log10(
            greatest(
                1,
                cast(round(1000000 * power(10, greatest(-best.score, -60) / 10.0)) as bigint)
                + coalesce(rivals.odds, 0)
            ) / 1000000.0
        )
    ) as integer) as lead
from best
left join runners_up on best.contact_number = runners_up.contact_number
left join rivals on best.contact_number = rivals.contact_number
