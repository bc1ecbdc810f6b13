{#-
    Selects the lines of a file of JSON objects: the given fields as text, all null where a line is no
    JSON object. No row where there is no file. `name` tells it from other files.
-#}
{% macro json_lines(path, fields, name) -%}
    {{ adapter.dispatch('json_lines')(path, fields, name) }}
{%- endmacro %}

{% macro duckdb__json_lines(path, fields, name) -%}
    {%- set pattern = duckdb_file_pattern(path) -%}
    {%- set columns = [] -%}
    {%- for field in fields -%}
        {%- do columns.append(field ~ ": 'varchar'") -%}
    {%- endfor -%}
    {%- if path and execute and run_query("select * from glob('" ~ pattern ~ "')").rows -%}
        select {{ fields | join(', ') }}
        from read_json(
            '{{ pattern }}',
            format = 'newline_delimited',
            columns = { {{- columns | join(', ') -}} },
            ignore_errors = true,
            maximum_object_size = 67108864,
            hive_partitioning = false
        )
    {%- else -%}
        {{ no_rows(fields) }}
    {%- endif -%}
{%- endmacro %}

{% macro spark__json_lines(path, fields, name) -%}
    {%- if path -%}
        {%- set lines = target.schema ~ '_lines_of_' ~ name -%}
        {%- if execute -%}
            {%- do run_query('drop table if exists ' ~ lines) -%}
            {%- do run_query(
                'create table ' ~ lines ~ ' (value string) using text options ('
                ~ spark_file_options(path) ~ ')'
            ) -%}
        {%- endif -%}
        select
            {%- for field in fields %}
            line.{{ field }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (
            select from_json(value, '{{ fields | join(' string, ') }} string') as line
            from {{ lines }}
            where trim(value) <> ''
        ) as lines
    {%- else -%}
        {{ no_rows(fields) }}
    {%- endif -%}
{%- endmacro %}

{#- No row, with text columns. -#}
{% macro no_rows(fields) -%}
    select
        {%- for field in fields %}
        cast(null as string) as {{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    where false
{%- endmacro %}

{#-
    How an engine is told of one file that may be missing: reading a file that is not there is an error,
    looking for it in its folder is none. A sign of a pattern of names is itself where it stands alone in
    a class.
-#}
{% macro duckdb_file_pattern(path) -%}
    {{ modules.re.sub('([*?[])', '[\\1]', path) | replace("'", "''") }}
{%- endmacro %}

{% macro spark_file_options(path) -%}
    {%- set escaped = path | replace('\\', '\\\\') | replace("'", "\\'") -%}
    {%- set folder, _, name = ('./' ~ escaped if '/' not in escaped else escaped).rpartition('/') -%}
    path '{{ folder }}', pathGlobFilter '{{ name }}'
{%- endmacro %}
