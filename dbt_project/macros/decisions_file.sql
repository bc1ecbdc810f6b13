{#-
    Selects what people decided from the decisions file: a row per line, text columns as docs/review.md
    has them, `id` null where the line is no JSON object. No row where there is no file.

    The path is the var `decisions_path`, or DUCKDB_DECISIONS_PATH of the environment.
-#}
{% macro decisions_file() -%}
    {{ json_lines(decisions_path(), decision_fields(), 'decisions') }}
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
    {{ json_lines(
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
        'right_id', 'undoes', 'action', 'author', 'reason', 'decided_at', 'source', 'sample',
    ]) }}
{%- endmacro %}
