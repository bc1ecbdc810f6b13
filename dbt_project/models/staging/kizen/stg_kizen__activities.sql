{{ config(materialized='table') }}

{%- set logged = source('kizen', 'logged_activities') -%}
{%- set planned = source('kizen', 'scheduled_activities') -%}
{%- set types = source('kizen', 'activity_types') -%}
{%- set logged_columns = raw_columns(logged) -%}
{%- set planned_columns = raw_columns(planned) -%}
{%- set type_columns = raw_columns(types) -%}

with logged as (

    {{ live_rows(logged, logged_columns) }}

),

planned as (

    {{ live_rows(planned, planned_columns) }}

),

types as (

    {{ live_rows(types, type_columns) }}

),

named_types as (

    select
        {{ raw_text(type_columns, ['id']) }} as activity_type_id,
        {{ raw_text(type_columns, ['name']) }} as activity_type
    from types

),

activities as (

    select
        'logged' as activity_kind,
        {{ activity_columns(logged_columns) }}
    from logged

    union all

    select
        'scheduled' as activity_kind,
        {{ activity_columns(planned_columns) }}
    from planned

)

select
    activities.activity_id,
    activities.activity_kind,
    activities.activity_type_id,
    coalesce(named_types.activity_type, activities.activity_type) as activity_type,
    activities.company_id,
    activities.kizen_contact_id,
    activities.member_id,
    activities.note,
    activities.created_at,
    activities.logged_at,
    activities.due_at,
    activities.completed_at
from activities
left join named_types on activities.activity_type_id = named_types.activity_type_id
