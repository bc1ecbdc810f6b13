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
        {{ raw_text(stage_columns, ['name']) }} as stage_name,
        {{ raw_text(stage_columns, ['status', 'additional_fields.status']) }} as stage_status,
        {{ raw_number(stage_columns, ['order', 'additional_fields.order']) }} as stage_order,
        {{ raw_number(
            stage_columns,
            ['percentage_chance_to_close', 'additional_fields.percentage_chance_to_close']
        ) }} as chance_to_close
    from stages

)

select
    deals.deal_id,
    deals.pipeline_name,
    deals.pipeline_label,
    deals.deal_name,
    deals.stage_id,
    coalesce(deals.stage_name, named_stages.stage_name) as stage_name,
    named_stages.stage_status,
    cast(named_stages.stage_order as integer) as stage_order,
    named_stages.chance_to_close,
    deals.amount,
    deals.currency,
    deals.owner_id,
    deals.owner_name,
    deals.company_id,
    deals.kizen_contact_id,
    deals.created_at,
    deals.updated_at,
    deals.closed_at
from deals
left join named_stages on deals.stage_id = named_stages.stage_id
