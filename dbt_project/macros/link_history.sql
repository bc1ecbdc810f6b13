{#- The versions of all links; none where the snapshot has never been taken, as after `dbt run`. -#}
{% macro link_history(history, links) -%}
    {%- if execute and load_relation(history) is none -%}
        select
            *,
            cast(null as timestamp) as dbt_valid_from,
            cast(null as timestamp) as dbt_valid_to
        from {{ links }}
        where 1 = 0
    {%- else -%}
        select * from {{ history }}
    {%- endif -%}
{%- endmacro %}

{#-
    Selects what each build changed about links: a row per contact and change.

    Arguments:
        history: the snapshot of the links.
        links: the links, a row per contact.
        id: the column of the other side, such as `company_id`.
        other: what the other side is called, such as `company`.
-#}
{% macro link_changes(history, links, id, other) -%}
with history as (

    {{ link_history(history, links) }}

),

last_build as (

    select * from {{ ref('int_builds__last') }}

),

versions as (

    select
        contact_id,
        dbt_valid_from,
        dbt_valid_to,
        {{ id }},
        status,
        tier,
        score,
        reasons,
        rule_version,
        lag(dbt_valid_to) over (partition by contact_id order by dbt_valid_from)
            as previous_valid_to,
        lag({{ id }}) over (partition by contact_id order by dbt_valid_from)
            as previous_{{ id }},
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
        dbt_valid_from >= (select last_build.started_at from last_build) as in_last_build,
        case
            when previous_valid_to is null then 'contact appeared'
            when previous_valid_to < dbt_valid_from then 'contact came back'
            when previous_{{ id }} is null and {{ id }} is not null then '{{ other }} found'
            when previous_{{ id }} is not null and {{ id }} is null then '{{ other }} lost'
            when previous_{{ id }} <> {{ id }} then 'other {{ other }}'
            when previous_status <> status then 'other status'
            else 'other evidence'
        end as change,
        previous_{{ id }},
        {{ id }},
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
        dbt_valid_to >= (select last_build.started_at from last_build) as in_last_build,
        'contact gone' as change,
        {{ id }} as previous_{{ id }},
        null as {{ id }},
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
{%- endmacro %}
