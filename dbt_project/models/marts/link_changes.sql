{{ config(materialized='view') }}

with history as (

    {{ link_history() }}

),

versions as (

    select
        contact_id,
        dbt_valid_from,
        dbt_valid_to,
        company_id,
        status,
        tier,
        score,
        reasons,
        rule_version,
        lag(dbt_valid_to) over (partition by contact_id order by dbt_valid_from)
            as previous_valid_to,
        lag(company_id) over (partition by contact_id order by dbt_valid_from)
            as previous_company_id,
        lag(status) over (partition by contact_id order by dbt_valid_from) as previous_status,
        lag(tier) over (partition by contact_id order by dbt_valid_from) as previous_tier,
        lag(score) over (partition by contact_id order by dbt_valid_from) as previous_score,
        lag(reasons) over (partition by contact_id order by dbt_valid_from) as previous_reasons,
        lead(dbt_valid_from) over (partition by contact_id order by dbt_valid_from)
            as next_valid_from
    from history

),

arrivals_and_changes as (

    select
        contact_id,
        dbt_valid_from as changed_at,
        dbt_valid_from >= cast('{{ run_started_at }}' as timestamp) as in_last_build,
        case
            when previous_valid_to is null then 'contact appeared'
            when previous_valid_to < dbt_valid_from then 'contact came back'
            when previous_company_id is null and company_id is not null then 'company found'
            when previous_company_id is not null and company_id is null then 'company lost'
            when previous_company_id <> company_id then 'other company'
            when previous_status <> status then 'other status'
            else 'other evidence'
        end as change,
        previous_company_id,
        company_id,
        previous_status,
        status,
        previous_tier,
        tier,
        previous_score,
        score,
        previous_reasons,
        reasons,
        rule_version
    from versions

),

departures as (

    select
        contact_id,
        dbt_valid_to as changed_at,
        dbt_valid_to >= cast('{{ run_started_at }}' as timestamp) as in_last_build,
        'contact gone' as change,
        company_id as previous_company_id,
        null as company_id,
        status as previous_status,
        null as status,
        tier as previous_tier,
        null as tier,
        score as previous_score,
        null as score,
        reasons as previous_reasons,
        null as reasons,
        rule_version
    from versions
    where
        dbt_valid_to is not null
        and (next_valid_from is null or next_valid_from > dbt_valid_to)

),

changes as (

    select * from arrivals_and_changes

    union all

    select * from departures

)

select * from changes
