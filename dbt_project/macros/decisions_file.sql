{#-
    Selects what people decided from the decisions file: a row per line, text columns as docs/review.md
    has them, `id` null where the line is no JSON object. No row where there is no file.

    The path is the var `decisions_path`, or DUCKDB_DECISIONS_PATH of the environment.
-#}
{% macro decisions_file() -%}
    {{ json_lines(
        var('decisions_path') or env_var('DUCKDB_DECISIONS_PATH', ''), decision_fields(), 'decisions'
    ) }}
{%- endmacro %}

{% macro decision_fields() -%}
    {{ return([
        'id', 'kind', 'decision', 'contact_id', 'company_id', 'kizen_contact_id', 'left_id',
        'right_id', 'undoes', 'action', 'author', 'reason', 'decided_at', 'source',
    ]) }}
{%- endmacro %}
