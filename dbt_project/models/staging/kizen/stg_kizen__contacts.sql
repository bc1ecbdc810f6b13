{{ config(materialized='table') }}

{#- Both generations of the API stand here by name, so that both are in the lineage. -#}
{%- set tables = {
    'client_client': source('kizen', 'client_client'),
    'clients': source('kizen', 'clients'),
} -%}
{%- set wanted = var('kizen_contacts_from') -%}
{%- set table = tables[wanted] if wanted in tables else first_with_rows(tables.values() | list) -%}
{%- set columns = raw_columns(table) -%}
{%- set candidates = var('kizen_contact_columns') -%}

with source as (

    {{ live_rows(table, columns) }}

),

renamed as (

    select
        {{ raw_text(columns, ['id']) }} as kizen_contact_id,
        {{ raw_text(columns, candidates.first_name) }} as first_name,
        {{ raw_text(columns, candidates.last_name) }} as last_name,
        {{ raw_text(columns, candidates.full_name) }} as full_name,
        {{ raw_text(columns, candidates.email) }} as email,
        {{ raw_text(columns, candidates.mobile_phone) }} as mobile_phone,
        {{ raw_text(columns, candidates.business_phone) }} as business_phone,
        {{ raw_text(columns, candidates.home_phone) }} as home_phone,
        {{ raw_date(columns, candidates.birth_date) }} as birth_date,
        {{ raw_text(columns, candidates.street) }} as street,
        {{ raw_text(columns, candidates.postal_code) }} as postal_code,
        {{ raw_text(columns, candidates.city) }} as city,
        {{ raw_text(columns, candidates.country) }} as country,
        {{ raw_text(columns, candidates.company_id) }} as company_id,
        {{ raw_text(columns, candidates.company_name) }} as company_name,
        {{ raw_json(columns, candidates.other_companies) }} as other_companies,
        {{ raw_json(columns, ['titles']) }} as titles,
        {{ raw_json(columns, ['tags']) }} as tags,
        {{ raw_timestamp(columns, ['created']) }} as created_at,
        {{ raw_timestamp(columns, ['updated']) }} as updated_at
    from source

)

select * from renamed
