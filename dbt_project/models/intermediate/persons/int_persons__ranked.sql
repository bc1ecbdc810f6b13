-- The best person for each contact, and how far the pair is ahead of all rivals on either side:
-- another person for the contact, another contact for the person, and none. What people decided is
-- left out.
with overrides as (

    select * from {{ ref('int_person_overrides__checked') }}
    where effect = 'in force'

),

forbidden as (

    select * from overrides
    where decision = 'forbid'

),

-- A person of the CRM who was forced for one contact is a candidate for no other.
taken as (

    select
        kizen_contact_id,
        min(contact_id) as first_contact_id,
        max(contact_id) as last_contact_id
    from overrides
    where decision = 'force'
    group by kizen_contact_id

),

-- A score of 0 is as likely to be right as wrong: what is far below it takes no part.
scored as (

    select pairs.*
    from {{ ref('int_persons__scored') }} as pairs
    left join forbidden
        on
            pairs.contact_id = forbidden.contact_id
            and pairs.kizen_contact_id = forbidden.kizen_contact_id
    left join taken on pairs.kizen_contact_id = taken.kizen_contact_id
    where
        not pairs.is_duplicate
        and forbidden.contact_id is null
        and (
            taken.kizen_contact_id is null
            or pairs.contact_id in (taken.first_contact_id, taken.last_contact_id)
        )
        and pairs.score >= -40

),

placed as (

    select
        contact_number,
        kizen_number,
        contact_id,
        kizen_contact_id,
        score,
        row_number() over (
            partition by contact_number order by score desc, kizen_contact_id asc
        ) as place_for_contact
    from scored

),

best as (

    select * from placed
    where place_for_contact = 1

),

rivals as (

    select
        best.contact_number,
        'person' as rival_kind,
        placed.score as rival_score,
        best.score
    from best
    inner join placed
        on best.contact_number = placed.contact_number and best.kizen_number <> placed.kizen_number

    union all

    select
        best.contact_number,
        'contact' as rival_kind,
        placed.score as rival_score,
        best.score
    from best
    inner join placed
        on best.kizen_number = placed.kizen_number and best.contact_number <> placed.contact_number

),

-- Ten points are ten times the odds. In millionths of the best one's, so that the sum is a whole
-- number. A rival counts for a third at most: what agrees as well may be the same person,
-- registered twice.
rival_odds as (

    select
        contact_number,
        max(rival_score) as rival_score,
        max(case when rival_kind = 'contact' then rival_score end) as rival_contact_score,
        cast(sum(cast(
            round(1000000 * power(10, least(rival_score - score, -5) / 10.0)) as bigint
        )) as bigint) as odds
    from rivals
    group by contact_number

),

runners_up as (

    select
        contact_number,
        kizen_contact_id,
        score
    from placed
    where place_for_contact = 2

),

rival_contacts as (

    select
        best.contact_number,
        min(placed.contact_id) as contact_id
    from best
    inner join rival_odds on best.contact_number = rival_odds.contact_number
    inner join placed
        on
            best.kizen_number = placed.kizen_number
            and best.contact_number <> placed.contact_number
            and rival_odds.rival_contact_score = placed.score
    group by best.contact_number

)

select
    scored.*,
    runners_up.kizen_contact_id as runner_up_kizen_contact_id,
    scored.score - rival_odds.rival_score as margin,
    case
        when
            rival_odds.rival_contact_score
            >= coalesce(runners_up.score, rival_odds.rival_contact_score)
            then rival_contacts.contact_id
    end as rival_contact_id,
    cast(round(
        -10 * log10(
            greatest(
                1,
                cast(round(1000000 * power(10, greatest(-scored.score, -60) / 10.0)) as bigint)
                + coalesce(rival_odds.odds, 0)
            ) / 1000000.0
        )
    ) as integer) as lead
from best
inner join scored
    on
        best.contact_number = scored.contact_number
        and best.kizen_number = scored.kizen_number
left join rival_odds on best.contact_number = rival_odds.contact_number
left join runners_up on best.contact_number = runners_up.contact_number
left join rival_contacts on best.contact_number = rival_contacts.contact_number
