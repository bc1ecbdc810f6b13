{#-
    The levels of the features address, city and country of two places, given by the names of the
    relations that have their columns; all three null where one side says nothing.
-#}
{% macro place_levels(one, other) -%}
    {%- set number = one ~ '.house_number = ' ~ other ~ '.house_number' -%}
    {%- set street -%}
        (
            {{ one }}.street_name = {{ other }}.street_name
            or coalesce({{ one }}.street_token = {{ other }}.street_token, false)
        )
    {%- endset -%}
    {%- set place -%}
        coalesce({{ one }}.postal_code = {{ other }}.postal_code, {{ one }}.city = {{ other }}.city)
    {%- endset -%}
    case
        when {{ number }} and {{ street }} and {{ place }} and {{ other }}.street_company_count <= 2 then 4
        when {{ number }} and {{ street }} and coalesce({{ place }}, true) then 3
        when {{ street }} and {{ place }} then 2
        when {{ number }} and not {{ street }} then 1
        when not {{ street }} then 0
    end as address_level,
    case
        when {{ one }}.city = {{ other }}.city or {{ one }}.postal_code = {{ other }}.postal_code then 2
        when {{ one }}.city is null or {{ other }}.city is null then null
        when
            {{ one }}.country = {{ other }}.country
            and left({{ one }}.postal_code, 2) = left({{ other }}.postal_code, 2)
            then 1
        when instr({{ one }}.city, {{ other }}.city) > 0 or instr({{ other }}.city, {{ one }}.city) > 0
            then 1
        else 0
    end as city_level,
    case
        when {{ one }}.country = {{ other }}.country then 1
        when {{ one }}.country <> {{ other }}.country then 0
    end as country_level
{%- endmacro %}


{#- How well two places agree, by their levels: none in two countries comes before those that are. -#}
{% macro place_rank() -%}
    case when country_level = 0 then 0 else 1000 end
    + coalesce(address_level, 0) * 100
    + coalesce(city_level, 0) * 10
    + coalesce(country_level, 0)
{%- endmacro %}
