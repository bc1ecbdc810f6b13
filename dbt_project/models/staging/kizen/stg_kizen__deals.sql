{{ config(materialized='table') }}

{%- set pipelines = kizen_pipelines(
    source('kizen', 'custom_objects'), source('kizen', 'custom_object_fields')
) -%}
{%- set stages = source('kizen', 'pipeline_stages') -%}
{%- set stage_columns = raw_columns(stages) -%}

with deals as (

    {{ pipeline_deals(pipelines) }}

),

stages as (

    {{ live_rows(stages, stage_columns) }}

),

named_stages as (

    select
        {{ raw_text(stage_columns, ['id']) }} as stage_id,
        {{ raw_text(stage_columns, ['object_id']) }} as object_id,
        {{ raw_text(stage_columns, ['name']) }} as stage_name,
        {{ raw_text(stage_columns, ['status', 'additional_fields.status']) }} as stage_status,
        {{ raw_number(stage_columns, ['order', 'additional_fields.order']) }} as stage_order,
        {{ raw_number(
            stage_columns,
            ['percentage_chance_to_close', 'additional_fields.percentage_chance_to_close']
        ) }} as chance_to_close
    from stages

),

-- It is not known whether records and the list of stages have the same keys: names do, too.
by_name as (

    select
        object_id,
        stage_name,
        min(stage_id) as stage_id
    from named_stages
    group by object_id, stage_name
    having count(*) = 1

),

staged as (

    select
        deals.*,
        coalesce(by_key.stage_id, by_name.stage_id) as found_stage_id
    from deals
    left join named_stages as by_key on deals.stage_id = by_key.stage_id
    left join by_name
        on deals.object_id = by_name.object_id and deals.stage_name = by_name.stage_name

)

select
    staged.deal_id,
    staged.pipeline_name,
    staged.pipeline_label,
    staged.deal_name,
    staged.stage_id,
    coalesce(staged.stage_name, named_stages.stage_name) as stage_name,
    named_stages.stage_status,
    cast(named_stages.stage_order as integer) as stage_order,
    named_stages.chance_to_close,
    staged.amount,
    staged.currency,
    staged.owner_id,
    staged.owner_name,
    staged.company_id,
    staged.kizen_contact_id,
    staged.created_at,
    staged.updated_at,
    staged.closed_at
from staged
left join named_stages on staged.found_stage_id = named_stages.stage_id
