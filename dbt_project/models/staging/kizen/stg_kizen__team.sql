{{ config(materialized='table') }}

{%- set table = source('kizen', 'team') -%}
{%- set columns = raw_columns(table) -%}

with source as (

    {{ live_rows(table, columns) }}

),

renamed as (

    select
        {{ raw_text(columns, ['id']) }} as member_id,
        {{ raw_text(columns, ['first_name', 'additional_fields.first_name']) }} as first_name,
        {{ raw_text(columns, ['last_name', 'additional_fields.last_name']) }} as last_name,
        {{ raw_text(columns, ['full_name', 'name', 'additional_fields.full_name']) }} as full_name,
        {{ raw_text(columns, ['email', 'additional_fields.email']) }} as email
    from source

)

select
    member_id,
    first_name,
    last_name,
    coalesce(
        full_name, nullif(trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), '')
    ) as member_name,
    email
from renamed
