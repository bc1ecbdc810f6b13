{#-
    Which raw column feeds which meaning in this account: a list of {meaning, candidate, column,
    type, path}, in the order of the map. A meaning without a column has `column` none, a raw column
    that feeds no meaning has `meaning` none. The own columns of loaders, this project's and Airbyte's, are not the
    account's; other names that begin with _sdc_ are.
-#}
{% macro contact_mapping_entries(columns, candidates) %}
    {%- set loader_columns = [
        '_sdc_extracted_at', '_sdc_received_at', '_sdc_batched_at', '_sdc_deleted_at',
        '_sdc_sequence', '_sdc_table_version', '_sdc_sync_started_at',
        '_airbyte_raw_id', '_airbyte_extracted_at', '_airbyte_meta', '_airbyte_generation_id'
    ] -%}
    {%- set entries = [] -%}
    {%- set feeding = [] -%}
    {%- for meaning, names in candidates.items() -%}
        {%- set found = [] -%}
        {%- for column in matching_columns(columns, names) if column not in found -%}
            {%- do found.append(column) -%}
            {%- do feeding.append(column.name) -%}
            {%- do entries.append(
                {'meaning': meaning, 'candidate': loop.index, 'column': column.name,
                 'type': column.type, 'path': column.path}
            ) -%}
        {%- endfor -%}
        {%- if not found -%}
            {%- do entries.append(
                {'meaning': meaning, 'candidate': none, 'column': none, 'type': none, 'path': []}
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for column in columns or [] -%}
        {%- if column.name not in feeding and column.name not in loader_columns -%}
            {%- do entries.append(
                {'meaning': none, 'candidate': none, 'column': column.name, 'type': column.type,
                 'path': []}
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(entries) }}
{% endmacro %}


{#- A raw value as text where it says anything: no blanks, no empty lists or objects. -#}
{% macro said_text(column) -%}
    {%- set text = 'trim(cast(' ~ quoted_name(column) ~ ' as ' ~ dbt.type_string() ~ '))' -%}
    case when {{ text }} not in ('', '[]', '{}', '""', 'null') then {{ text }} end
{%- endmacro %}


{#- A text, or null, as SQL. -#}
{% macro text_or_null(value) -%}
    {%- if value is none -%}
        cast(null as {{ dbt.type_string() }})
    {%- else -%}
        cast('{{ value | replace("'", "''") }}' as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}


{#-
    How many rows of `source` there are, and say something for each entry of the mapping: one row. A
    JSON column is looked into at all its places at once, and at each one only if there is something.
    No column of the account keeps its name: it may be any, also that of a column made here.
-#}
{% macro mapping_counts(mapping) -%}
    {%- set entries = mapping | rejectattr('column', 'none') | list -%}
    {%- set json_columns = entries | selectattr('path') | map(attribute='column') | unique(case_sensitive=true) | list -%}
    select
        {%- for entry in entries %}
        count(
            {%- if entry.path -%}
                nullif(trim({{ json_text('json_' ~ json_columns.index(entry.column), entry.path) }}), '')
            {%- else -%}
                said_{{ loop.index }}
            {%- endif -%}
        ) as filled_count_{{ loop.index }},
        {%- endfor %}
        count(*) as row_count
    from (
        select
            {%- for entry in entries if not entry.path %}
            {{ said_text(entry.column) }} as said_{{ entries.index(entry) + 1 }},
            {%- endfor %}
            {%- for column in json_columns %}
            {%- set places = entries | selectattr('path') | selectattr('column', 'equalto', column) | list %}
            {%- set json = to_json(quoted_name(column), places[0].type | upper) %}
            case
                when {{ may_hold_json_text(json, places | map(attribute='path') | list) }} then {{ json }}
            end as json_{{ loop.index0 }},
            {%- endfor %}
            1 as contact
        from source
    ) as looked_into
{%- endmacro %}


{#-
    Selects how a column map meets a raw table: a row per meaning and raw column, as contact_mapping_report
    describes it, with the number of rows as `row_count`.
-#}
{% macro mapping_report(relation, columns, candidates) -%}
    {%- set mapping = contact_mapping_entries(columns, candidates) -%}
    with source as (

        {{ live_rows(relation, columns) }}

    ),

    counts as (

        {{ mapping_counts(mapping) }}

    ),

    counted as (

        {{ counted_mapping(mapping) }}

    )

    select
        meaning,
        raw_column,
        json_path,
        raw_type,
        case
            when raw_column is null then 'no column'
            when meaning is null then 'feeds nothing'
            when candidate = 1 then 'feeds'
            else 'feeds where those before are empty'
        end as effect,
        candidate,
        row_count,
        filled_count,
        cast(filled_count as double) / nullif(row_count, 0) as fill_rate
    from counted
{%- endmacro %}


{#-
    The same of several raw tables, with the name of each as `raw_table`; no row where there is no table.

    tables: a list of {name, relation, columns, candidates}
-#}
{% macro mapping_reports(tables) -%}
    {%- set none_at_all = {'name': none, 'relation': none, 'columns': none, 'candidates': {'id': []}} -%}
    {%- for table in tables or [none_at_all] %}
    select
        {{ text_or_null(table.name) }} as raw_table,
        report.*
    from (
        {{ mapping_report(table.relation, table.columns, table.candidates) }}
    ) as report
    {%- if table.name is none %}
    where 1 = 0
    {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}


{#- One row per entry of the mapping, with its count in `counts`. -#}
{% macro counted_mapping(mapping) -%}
    {%- set counted, rows = namespace(entries=0), [] -%}
    {%- for entry in mapping -%}
        {%- if entry.column is none -%}
            {%- set filled_count = 'cast(0 as ' ~ dbt.type_bigint() ~ ')' -%}
        {%- else -%}
            {%- set counted.entries = counted.entries + 1 -%}
            {%- set filled_count = 'filled_count_' ~ counted.entries -%}
        {%- endif -%}
        {%- set candidate = 'null' if entry.candidate is none else entry.candidate -%}
        {%- do rows.append([
            text_or_null(entry.meaning),
            'cast(' ~ candidate ~ ' as ' ~ dbt.type_int() ~ ')',
            text_or_null(entry.column),
            text_or_null(entry.path | join('.') if entry.path else none),
            text_or_null(entry.type),
            filled_count,
        ]) -%}
    {%- endfor -%}
    {{ rows_beside(
        'counts',
        ['row_count'],
        ['meaning', 'candidate', 'raw_column', 'json_path', 'raw_type', 'filled_count'],
        rows
    ) }}
{%- endmacro %}
