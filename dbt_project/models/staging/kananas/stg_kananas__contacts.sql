{{ config(materialized='table') }}

{%- set columns = raw_columns(source('kananas', 'contacts')) -%}
{%- set candidates = var('contact_columns') -%}

with source as (

    {{ live_rows(source('kananas', 'contacts'), columns) }}

),

renamed as (

    select
        {{ raw_text(columns, candidates.contact_id) }} as contact_id,
        {{ raw_text(columns, candidates.contact_type) }} as contact_type,
        {{ raw_text(columns, candidates.civility) }} as civility,
        {{ raw_text(columns, candidates.first_name) }} as first_name,
        {{ raw_text(columns, candidates.last_name) }} as last_name,
        {{ raw_text(columns, candidates.full_name) }} as full_name,
        {{ raw_text(columns, candidates.organisation) }} as organisation,
        {{ raw_text(columns, candidates.email) }} as email,
        {{ raw_text(columns, candidates.phone) }} as phone,
        {{ raw_text(columns, candidates.mobile) }} as mobile,
        {{ raw_text(columns, candidates.street) }} as street,
        {{ raw_text(columns, candidates.postal_code) }} as postal_code,
        {{ raw_text(columns, candidates.city) }} as city,
        {{ raw_text(columns, candidates.country) }} as country,
        {{ raw_text(columns, candidates.website) }} as website,
        {{ raw_text(columns, candidates.vat_number) }} as vat_number,
        {{ raw_date(columns, candidates.birth_date) }} as birth_date,
        {{ raw_text(columns, candidates.status) }} as contact_status,
        {{ raw_text(columns, candidates.category) }} as category,
        {{ raw_text(columns, candidates.entity) }} as entity,
        {{ raw_text(columns, candidates.family_head) }} as family_head,
        {{ raw_number(columns, candidates.balance) }} as balance,
        {{ raw_json(columns, candidates.tags) }} as tags,
        {{ raw_json(columns, candidates.free_fields) }} as free_fields,
        {{ raw_timestamp(columns, candidates.created_at) }} as created_at,
        {{ raw_timestamp(columns, candidates.updated_at) }} as updated_at
    from source

)

select * from renamed
