-- How many of the last sample were judged, and how: per scope of a precision, per cell of a recall.
with judged as (

    select * from {{ ref('int_samples__judged') }}

),

decided as (

    select * from {{ ref('int_links__decided') }}

),

-- A sample tells of the rules that it was drawn by. An answer counts while they propose the same.
told as (

    select
        judged.*,
        case when judged.status = 'none' then judged.stratum else judged.status end as cell,
        case when judged.status = 'none' then judged.stratum_size else judged.status_size end
            as cell_size,
        judged.status = decided.status
        and coalesce(judged.tier, '') = coalesce(decided.tier, '')
        and coalesce(judged.company_id, '') = coalesce(decided.company_id, '')
        and judged.rule_version = decided.rule_version as is_current
    from judged
    left join decided on judged.contact_id = decided.contact_id

),

answered as (

    select
        *,
        case when is_current and answer in ('company', 'none') then 1 else 0 end as is_judged,
        case when is_current and answer = 'unsure' then 1 else 0 end as is_unsure,
        case when answer is not null and not coalesce(is_current, false) then 1 else 0 end
            as is_changed,
        case when answer is not null then 1 else 0 end as is_answered,
        case when is_contradicted then 1 else 0 end as is_disputed,
        case when is_current and answer = 'company' then 1 else 0 end as has_company,
        case when is_current and judged_company_id = company_id then 1 else 0 end as is_right
    from told

),

-- Who was drawn from all of a status is a simple sample of it, and with who was drawn from all of a
-- tier, one of the tier. Who was added so that each stratum is seen would weigh too much in both.
precision_of_statuses as (

    select
        'precision' as measure,
        status as scope,
        is_right as found,
        1 - is_right as missed,
        *
    from answered
    where status <> 'none' and drawn_for = 'status'

),

precision_of_tiers as (

    select
        'precision' as measure,
        status || ': ' || tier as scope,
        is_right as found,
        1 - is_right as missed,
        *
    from answered
    where status = 'auto' and drawn_for <> 'stratum'

),

recall_of_proposals as (

    select
        'recall' as measure,
        'auto and review' as scope,
        case when status <> 'none' then is_right end as found,
        has_company - is_right as missed,
        *
    from answered
    where status = 'none' or drawn_for = 'status'

),

recall_of_links as (

    select
        'recall' as measure,
        'auto' as scope,
        case when status = 'auto' then is_right end as found,
        case when status = 'auto' then has_company - is_right else has_company end as missed,
        *
    from answered
    where status = 'none' or drawn_for = 'status'

),

every as (

    select * from precision_of_statuses
    union all
    select * from precision_of_tiers
    union all
    select * from recall_of_proposals
    union all
    select * from recall_of_links

)

select
    measure,
    scope,
    cell,
    cell_size,
    count(*) as drawn_count,
    cast(sum(is_answered) as bigint) as answered_count,
    cast(sum(is_judged) as bigint) as judged_count,
    cast(sum(is_judged * found) as bigint) as found_count,
    cast(sum(is_judged * missed) as bigint) as missed_count,
    cast(sum(is_unsure) as bigint) as unsure_count,
    cast(sum(is_changed) as bigint) as changed_count,
    cast(sum(is_disputed) as bigint) as contradicted_count
from every
group by measure, scope, cell, cell_size
