{%- set columns = raw_columns(source('kizen', 'companies')) -%}

with source as (

    {{ live_rows(source('kizen', 'companies'), columns) }}

),

renamed as (

    select
        {{ raw_text(columns, ['id']) }} as company_id,
        {{ raw_text(columns, ['name']) }} as company_name,
        {{ raw_text(columns, ['email']) }} as email,
        {{ raw_text(columns, ['mobile_phone']) }} as mobile_phone,
        {{ raw_text(columns, ['business_phone']) }} as business_phone,
        {{ raw_json(columns, ['addresses']) }} as addresses,
        {{ raw_json(columns, ['tags']) }} as tags,
        {{ raw_json(columns, ['domains']) }} as domains,
        {{ raw_json(columns, ['custom_fields']) }} as custom_fields,
        {{ raw_timestamp(columns, ['created']) }} as created_at
    from source

),

with_first_address as (

    select
        company_id,
        company_name,
        email,
        mobile_phone,
        business_phone,
        nullif(trim({{ json_text('addresses', [0, 'street_address']) }}), '') as street,
        nullif(trim({{ json_text('addresses', [0, 'postal_code']) }}), '') as postal_code,
        nullif(trim({{ json_text('addresses', [0, 'city']) }}), '') as city,
        nullif(trim({{ json_text('addresses', [0, 'state']) }}), '') as state,
        nullif(trim({{ json_text('addresses', [0, 'country']) }}), '') as country,
        addresses,
        tags,
        domains,
        custom_fields,
        created_at
    from renamed

)

select * from with_first_address
