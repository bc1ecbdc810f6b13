{#-
    Before a build on Spark: the raw tables over the newest snapshot of published files, as
    docs/open-files.md describes them. PARQUET_URL says where they lie.

    A catalog in memory knows nothing of earlier builds, and no table is made where files lie: what they
    left is removed.
-#}
{% macro spark_raw_tables() %}
    {%- if target.type == 'spark' and execute -%}
        {%- set is_making = flags.WHICH in ['build', 'run', 'seed'] and env_var('SPARK_WAREHOUSE') != '' -%}
        {%- if is_making and env_var('SPARK_CATALOG', 'in-memory') == 'in-memory' -%}
            {%- for schema in ['intermediate', 'marts', 'seeds', 'staging'] -%}
                {%- do run_query('drop schema if exists ' ~ schema ~ ' cascade') -%}
                {%- do run_query('create schema ' ~ schema) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- set place = spark_url(env_var('PARQUET_URL')).rstrip('/') -%}
        {%- set lines = run_query('select value from text.`' ~ place ~ '/manifest.json`') -%}
        {%- for table in fromjson(lines.columns[0].values() | join('\n')).tables -%}
            {%- if table.schema in ['kananas', 'kizen'] -%}
                {%- do spark_raw_table(table, place) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{% macro spark_raw_table(table, place) %}
    {%- set relation = quoted_name(table.schema) ~ '.' ~ quoted_name(table.name) -%}
    {%- do run_query('create schema if not exists ' ~ quoted_name(table.schema)) -%}
    {%- do run_query('drop table if exists ' ~ relation) -%}
    {%- do run_query(
        'create table ' ~ relation ~ " using parquet location '" ~ place ~ '/' ~ table.directory ~ "'"
    ) -%}
    {#- A column of JSON, or of a list, is one of text or of Spark's own types: the comment keeps DuckDB's. -#}
    {%- for column in table.columns if column.type == 'JSON' or column.type.endswith('[]') -%}
        {%- do run_query(
            'alter table ' ~ relation ~ ' alter column ' ~ quoted_name(column.name) ~ " comment '" ~ column.type ~ "'"
        ) -%}
    {%- endfor -%}
{% endmacro %}


{#- The address of a store as Hadoop writes it. -#}
{% macro spark_url(url) %}
    {{ return(modules.re.sub('^s3:', 's3a:', url)) }}
{% endmacro %}
