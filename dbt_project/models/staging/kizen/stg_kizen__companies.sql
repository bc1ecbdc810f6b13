{{ config(materialized='table') }}

{#- Both generations of the API stand here by name, so that both are in the lineage. -#}
{%- set tables = {
    'companies': source('kizen', 'companies'),
    'companies_company': source('kizen', 'companies_company'),
} -%}
{%- set wanted = var('kizen_companies_from') -%}
{%- set table = tables[wanted] if wanted in tables else first_with_rows(tables.values() | list) -%}
{%- set columns = raw_columns(table) -%}
{%- set candidates = var('company_columns') -%}

with source as (

    {{ live_rows(table, columns) }}

),

renamed as (

    select
        {{ raw_text(columns, ['id', 'company_id']) }} as company_id,
        {{ raw_text(columns, candidates.company_name) }} as company_name,
        {{ raw_text(columns, candidates.email) }} as email,
        {{ raw_text(columns, candidates.mobile_phone) }} as mobile_phone,
        {{ raw_text(columns, candidates.business_phone) }} as business_phone,
        {{ raw_text(columns, candidates.website) }} as website,
        {{ raw_text(columns, candidates.vat_number) }} as vat_number,
        {{ raw_text(columns, candidates.street) }} as own_street,
        {{ raw_text(columns, candidates.postal_code) }} as own_postal_code,
        {{ raw_text(columns, candidates.city) }} as own_city,
        {{ raw_text(columns, candidates.state) }} as own_state,
        {{ raw_text(columns, candidates.country) }} as own_country,
        {{ raw_json(columns, ['addresses']) }} as addresses,
        {{ raw_json(columns, ['tags']) }} as tags,
        {{ raw_json(columns, ['domains']) }} as domains,
        {{ raw_json(columns, ['custom_fields']) }} as custom_fields,
        {{ raw_timestamp(columns, ['created']) }} as created_at,
        {{ raw_timestamp(columns, ['updated']) }} as updated_at
    from source

),

with_first_address as (

    select
        company_id,
        company_name,
        email,
        mobile_phone,
        business_phone,
        website,
        vat_number,
        coalesce(
            nullif(trim({{ json_text('addresses', [0, 'street_address']) }}), ''), own_street
        ) as street,
        coalesce(
            nullif(trim({{ json_text('addresses', [0, 'postal_code']) }}), ''), own_postal_code
        ) as postal_code,
        coalesce(
            nullif(trim({{ json_text('addresses', [0, 'city']) }}), ''), own_city
        ) as city,
        coalesce(
            nullif(trim({{ json_text('addresses', [0, 'state']) }}), ''), own_state
        ) as state,
        coalesce(
            nullif(trim({{ json_text('addresses', [0, 'country']) }}), ''), own_country
        ) as country,
        addresses,
        tags,
        -- A record has a website, where a legacy company lists its domains.
        coalesce(domains, {{ website_as_domains('website') }}) as domains,
        custom_fields,
        created_at,
        updated_at
    from renamed

)

select * from with_first_address
