{#- The features of a pair, in the order in which they are told. -#}
{% macro link_features() -%}
    {{ return(['name', 'vat', 'domain', 'phone', 'address', 'city', 'country']) }}
{%- endmacro %}
