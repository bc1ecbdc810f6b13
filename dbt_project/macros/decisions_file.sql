{#-
    Selects what people decided from the decisions file: a row per line, text columns as docs/review.md
    has them, `id` null where the line is no JSON object. No row where there is no file.

    The path is the var `decisions_path`, or DUCKDB_DECISIONS_PATH of the environment.
-#}
{% macro decisions_file() -%}
    {{ adapter.dispatch('decisions_file')(
        decisions_path(), decision_fields()
    ) }}
{%- endmacro %}

{% macro decisions_path() -%}
    {{ return(var('decisions_path') or env_var('DUCKDB_DECISIONS_PATH', '')) }}
{%- endmacro %}

{#-
    Selects the contacts that samples drew, from `audits.jsonl` beside the decisions file: a row per
    line, text columns as docs/audit.md has them.
-#}
{% macro samples_file() -%}
    {%- set folder = modules.re.sub('[^/]*$', '', decisions_path()) -%}
    {{ adapter.dispatch('decisions_file')(
        folder ~ 'audits.jsonl' if decisions_path() else '', sample_fields(), 'samples'
    ) }}
{%- endmacro %}

{% macro sample_fields() -%}
    {{ return([
        'id', 'contact_id', 'stratum', 'stratum_size', 'status', 'status_size', 'drawn_for', 'position',
        'company_id', 'tier', 'confidence', 'rule_version', 'seed', 'margin', 'drawn_at',
    ]) }}
{%- endmacro %}

{% macro decision_fields() -%}
    {{ return([
        'id', 'kind', 'decision', 'contact_id', 'company_id', 'kizen_contact_id', 'left_id',
        'right_id', 'undoes', 'action', 'author', 'reason', 'decided_at', 'source',
        'sample',
    ]) }}
{%- endmacro %}

{% macro duckdb__decisions_file(path, fields, what=none) -%}
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

{% macro spark__decisions_file(path, fields, what='decisions') -%}
    {%- if path -%}
        {%- set lines = target.schema ~ '_lines_of_' ~ what -%}
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
