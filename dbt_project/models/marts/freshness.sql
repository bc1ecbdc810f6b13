{{ config(materialized='view') }}

{#- The tables that people know a source by, best first. -#}
{%- set tables = [
    ('kananas', 1, source('kananas', 'contacts')),
    ('kizen', 1, source('kizen', 'companies')),
    ('kizen', 2, source('kizen', 'companies_company')),
] -%}

with steps as (

    select * from {{ ref('run_steps') }}

),

by_table as (
    {% for name, place, relation in tables %}
        {%- set columns = raw_columns(relation) %}
        select
            '{{ name }}' as source,
            {{ place }} as place,
            max({{ raw_timestamp(columns, load_times()) }}) as loaded_at,
            count(*) as row_count
        from ({{ live_rows(relation, columns) }}) as table_{{ loop.index }}
        {{- ' union all' if not loop.last }}
    {% endfor %}
),

loads as (

    select
        source,
        max(loaded_at) as loaded_at,
        coalesce(min_by(row_count, place) filter (where row_count > 0), 0) as row_count
    from by_table
    group by source

),

last_done as (

    select
        step,
        max(started_at) as done_at
    from steps
    where result = 'done'
    group by step

),

failing as (

    select
        steps.step,
        min(steps.started_at) as failing_since,
        max_by(steps.error, steps.started_at) as last_error
    from steps
    left join last_done on steps.step = last_done.step
    where
        steps.result in ('failed', 'interrupted')
        and (last_done.done_at is null or steps.started_at > last_done.done_at)
    group by steps.step

)

select
    loads.source,
    loads.loaded_at,
    loads.row_count,
    case
        when loads.loaded_at + interval {{ var('freshness_warn_hours') }} hours < current_timestamp
            then loads.loaded_at + interval {{ var('freshness_warn_hours') }} hours
    end as stale_since,
    case
        when loads.loaded_at is null and loads.row_count > 0
            then 'unknown'
        when loads.loaded_at is null
            then 'never loaded'
        when loads.loaded_at + interval {{ var('freshness_error_hours') }} hours < current_timestamp
            then 'error'
        when loads.loaded_at + interval {{ var('freshness_warn_hours') }} hours < current_timestamp
            then 'warn'
        else 'fresh'
    end as state,
    failing.failing_since,
    failing.last_error
from loads
left join failing on loads.source = failing.step
