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
        when {{ number }} and {{ street }} and {{ place }} and {{ other }}.street_company_count <= 2
            then 'rare_house'
        when {{ number }} and {{ street }} and coalesce({{ place }}, true) then 'house'
        when {{ street }} and {{ place }} then 'street'
        when {{ number }} and not {{ street }} then 'number'
        when not {{ street }} then 'differ'
    end as address_level,
    case
        when {{ one }}.city = {{ other }}.city or {{ one }}.postal_code = {{ other }}.postal_code then 'same'
        when {{ one }}.city is null or {{ other }}.city is null then null
        when
            {{ one }}.country = {{ other }}.country
            and left({{ one }}.postal_code, 2) = left({{ other }}.postal_code, 2)
            then 'near'
        when instr({{ one }}.city, {{ other }}.city) > 0 or instr({{ other }}.city, {{ one }}.city) > 0
            then 'near'
        else 'differ'
    end as city_level,
    case
        when {{ one }}.country = {{ other }}.country then 'same'
        when {{ one }}.country <> {{ other }}.country then 'differ'
    end as country_level
{%- endmacro %}


{#- How well two places agree, by their levels: none in two countries comes before those that are. -#}
{% macro place_rank() -%}
    case country_level when 'differ' then 0 when 'same' then 1001 else 1000 end
    + case address_level
        when 'rare_house' then 400 when 'house' then 300 when 'street' then 200 when 'number' then 100
        else 0
    end
    + case city_level when 'same' then 20 when 'near' then 10 else 0 end
{%- endmacro %}
