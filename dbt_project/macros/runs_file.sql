{#-
    Selects what happened in each run of `refresh` from the file of runs, a row per line. The path is the
    var `runs_path`, or DUCKDB_RUNS_PATH of the environment.
-#}
{% macro runs_file() -%}
    {{ json_lines(
        var('runs_path') or env_var('DUCKDB_RUNS_PATH', ''),
        [
            'kind', 'run_id', 'step', 'stream', 'started_at', 'seconds', 'result', 'error',
            'rows_loaded', 'rows_inserted', 'rows_updated', 'rows_deleted', 'rows_in_table',
        ],
        'runs'
    ) }}
{%- endmacro %}
