{#- DuckLake keeps comments on tables, their columns and views, and none on the columns of a view. -#}
{% macro duckdb__alter_column_comment(relation, column_dict) -%}
    {%- if not (adapter.is_ducklake(relation) and relation.is_view) -%}
        {{ dbt.duckdb__alter_column_comment(relation, column_dict) }}
    {%- endif -%}
{%- endmacro %}
