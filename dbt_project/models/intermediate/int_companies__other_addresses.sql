{%- set fields = ['street_address', 'postal_code', 'city', 'country'] -%}

with companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

several as (

    select
        company_id,
        street,
        city,
        country,
        addresses
    from companies
    where {{ json_text('addresses', [1]) }} is not null

),

listed as (

    {% for position in range(1, 10) %}
        select
            company_id,
            {{ position }} as address_position,
            street as first_street,
            city as first_city,
            country as first_country,
        {%- for field in fields %}
            nullif(trim({{ json_text('addresses', [position, field]) }}), '')
                as {{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
        from several
        where {{ json_text('addresses', [position]) }} is not null
        {%- if not loop.last %}

            union all
        {% endif %}
    {%- endfor %}

)

-- A second line of the first address is none of its own.
select
    company_id,
    address_position,
    street_address as street,
    postal_code,
    city,
    country
from listed
where
    street_address <> coalesce(first_street, '')
    or city <> coalesce(first_city, '')
    or country <> coalesce(first_country, '')
