{#-
    After a build on Spark the same build runs on DuckDB, where DUCKDB_TABLES_FROM names the folder of
    Spark's tables: each table takes the rows that Spark has written, by the names and types that its
    query has on DuckDB. Views, seeds, tests and the history are made as ever.
-#}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- set query = compiled_code -%}
    {%- if is_built_on_spark() -%}
        {%- set query = rows_of_spark(compiled_code) -%}
    {%- endif -%}
    {{ dbt.duckdb__create_table_as(temporary, relation, query, language, partitioned_by, sorted_by) }}
{%- endmacro %}


{#- Whether Spark has built the model: it builds every table but those that are DuckDB's alone. -#}
{% macro is_built_on_spark() -%}
    {{ return(
        env_var('DUCKDB_TABLES_FROM', '') != ''
        and model.resource_type == 'model'
        and model.config.materialized == 'table'
        and not model.config.meta.get('duckdb_only', false)
    ) }}
{%- endmacro %}


{% macro rows_of_spark(compiled_code) -%}
    {%- set folder = env_var('DUCKDB_TABLES_FROM') ~ '/' ~ model.schema ~ '.db/' ~ model.alias -%}
    {%- set columns = run_query('describe select * from (' ~ compiled_code ~ '\n)') -%}
    select
    {%- for column in columns.rows %}
        cast({{ adapter.quote(column[0]) }} as {{ column[1] }}) as {{ adapter.quote(column[0]) }}{{ ',' if not loop.last }}
    {%- endfor %}
    from read_parquet('{{ folder | replace("'", "''") }}/*.parquet', hive_partitioning = false)
{%- endmacro %}
