{#-
    Comments as dbt-duckdb writes them, in one statement. Where a contract says which columns there are,
    nobody has to look, which dbt does twice.
-#}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set is_certain = config.get('contract').enforced and not is_lake() -%}
    {%- if not (is_certain and for_relation and for_columns and config.persist_column_docs()) -%}
        {{ return(dbt.default__persist_docs(relation, model, for_relation, for_columns)) }}
    {%- endif -%}
    {%- call statement('comments') -%}
        comment on {{ relation.type }} {{ relation }} is {{ duckdb_escape_comment(model.description) }};
        {%- for name, column in model.columns.items() %}
        comment on column {{ relation }}.{{ adapter.quote(name) if column['quote'] else name }}
        is {{ duckdb_escape_comment(column['description']) }};
        {%- endfor %}
    {%- endcall -%}
{%- endmacro %}


{#- DuckLake keeps comments on tables, their columns and views, and none on the columns of a view. -#}
{% macro duckdb__alter_column_comment(relation, column_dict) -%}
    {%- if not (adapter.is_ducklake(relation) and relation.is_view) -%}
        {{ dbt.duckdb__alter_column_comment(relation, column_dict) }}
    {%- endif -%}
{%- endmacro %}
