{#- The versions of all links; none where the snapshot has never been taken, as after `dbt run`. -#}
{% macro link_history() -%}
    {%- set history = ref('contact_company_link_history') -%}
    {%- set links = ref('contact_company_links') -%}
    {%- if execute and load_relation(history) is none -%}
        select
            *,
            cast(null as timestamp) as dbt_valid_from,
            cast(null as timestamp) as dbt_valid_to
        from {{ links }}
        where 1 = 0
    {%- else -%}
        select * from {{ history }}
    {%- endif -%}
{%- endmacro %}
