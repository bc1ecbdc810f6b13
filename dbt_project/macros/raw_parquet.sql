{#-
    Raw tables over Parquet files, for an engine that does not read DuckDB's: `make spark`.

    tables: a list of {schema, name, location, columns}, columns a list of {name, type, comment}
-#}
{% macro create_raw_tables(tables) %}
    {%- for table in tables -%}
        {%- set relation = table.schema ~ '.' ~ table.name -%}
        {%- do run_query('create schema if not exists ' ~ table.schema) -%}
        {%- do run_query('drop table if exists ' ~ relation) -%}
        {%- set columns = [] -%}
        {%- for column in table.columns -%}
            {%- do columns.append(
                quoted_name(column.name) ~ ' ' ~ column.type ~ " comment '" ~ column.comment ~ "'"
            ) -%}
        {%- endfor -%}
        {%- do run_query(
            'create table ' ~ relation ~ ' (' ~ columns | join(', ') ~ ") using parquet location '"
            ~ table.location ~ "'"
        ) -%}
    {%- endfor -%}
{% endmacro %}
