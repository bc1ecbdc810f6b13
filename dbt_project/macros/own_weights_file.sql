{#-
    Selects the account's own weights of levels from a CSV file with the columns `feature`, `level` and
    `weight`, all text: a row per line, none where there is no file.

    The path is the var `link_levels_path`, or DUCKDB_LINK_LEVELS_PATH of the environment.
-#}
{% macro own_weights_file() -%}
    {{ adapter.dispatch('own_weights_file')(
        var('link_levels_path') or env_var('DUCKDB_LINK_LEVELS_PATH', '')
    ) }}
{%- endmacro %}

{% macro duckdb__own_weights_file(path) -%}
    {%- set pattern = duckdb_file_pattern(path) -%}
    {%- if path and execute and run_query("select * from glob('" ~ pattern ~ "')").rows -%}
        select
            feature,
            level,
            weight
        from read_csv('{{ pattern }}', header = true, all_varchar = true, hive_partitioning = false)
    {%- else -%}
        {{ no_rows(['feature', 'level', 'weight']) }}
    {%- endif -%}
{%- endmacro %}

{% macro spark__own_weights_file(path) -%}
    {%- if path -%}
        {%- set rows = target.schema ~ '_own_weights' -%}
        {%- if execute -%}
            {%- do run_query('drop table if exists ' ~ rows) -%}
            {%- do run_query(
                'create table ' ~ rows ~ ' (feature string, level string, weight string)'
                ~ " using csv options (header 'true', " ~ spark_file_options(path) ~ ')'
            ) -%}
        {%- endif -%}
        select
            feature,
            level,
            weight
        from {{ rows }}
    {%- else -%}
        {{ no_rows(['feature', 'level', 'weight']) }}
    {%- endif -%}
{%- endmacro %}
