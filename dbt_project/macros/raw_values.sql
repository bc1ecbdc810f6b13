{#-
    One expression per meaning and type. `columns` is what raw_columns found, `candidates` the raw
    columns in order; the first one that holds a value wins, and none of them gives a typed null.
-#}

{#- Text: blanks around it trimmed, empty made null, the first value of a list, in JSON or not. -#}
{% macro raw_text(columns, candidates) -%}
    {#- Places that follow one another in one JSON column are looked at together first. -#}
    {%- set runs = [] -%}
    {%- for column in matching_columns(columns, candidates) -%}
        {%- set before = runs[-1][-1] if runs else none -%}
        {%- if before and column.path and before.path and column.name == before.name -%}
            {%- do runs[-1].append(column) -%}
        {%- else -%}
            {%- do runs.append([column]) -%}
        {%- endif -%}
    {%- endfor -%}
    coalesce(
        {%- for run in runs %}
        {%- if run | length > 1 %}
        {%- set json = to_json(quoted_name(run[0].name), run[0].type | upper) %}
        case
            when {{ may_hold_json_text(json, run | map(attribute='path') | list) }}
                then coalesce(
                    {%- for column in run %}
                    {{ raw_column_text(column) }}{{ ',' if not loop.last }}
                    {%- endfor %}
                )
        end,
        {%- else %}
        {{ raw_column_text(run[0]) }},
        {%- endif %}
        {%- endfor %}
        cast(null as {{ dbt.type_string() }})
    )
{%- endmacro %}


{#- The text in one raw column, or where a path leads to in it; null where it is empty. -#}
{% macro raw_column_text(column) -%}
    {%- set name = quoted_name(column.name) -%}
    {%- set type = column.type | upper -%}
    nullif(trim(
        {%- if column.path -%}
            {{ json_text(to_json(name, type), column.path) }}
        {%- elif type == 'JSON' -%}
            {#- Only what has a bracket may be a list: to parse each value once is enough. -#}
            coalesce(
                case when instr({{ name }}, '[') > 0 then {{ json_text(name, [0]) }} end,
                {{ json_text(name, []) }}
            )
        {%- elif type.endswith('[]') -%}
            {{ json_text(to_json(name, type), [0]) }}
        {%- elif type in ['DOUBLE', 'FLOAT'] or type.startswith('DECIMAL') -%}
            {#- An id that arrived as 12.0 is the id 12. -#}
            {{ regexp_replace_all('cast(' ~ name ~ ' as ' ~ dbt.type_string() ~ ')', '[.]0+$', '') }}
        {%- else -%}
            cast({{ name }} as {{ dbt.type_string() }})
        {%- endif -%}
    ), '')
{%- endmacro %}


{#- Number: digits with a point or a decimal comma, and spaces between; anything else is null. -#}
{% macro raw_number(columns, candidates) -%}
    {{ try_to_number("replace(replace(" ~ raw_text(columns, candidates) ~ ", ' ', ''), ',', '.')") }}
{%- endmacro %}


{#- Date: ISO 8601, or day first as in 31/12/1980; anything else is null. -#}
{% macro raw_date(columns, candidates) -%}
    {{ try_to_date(raw_text(columns, candidates)) }}
{%- endmacro %}


{#- Instant: ISO 8601, day first, or Unix seconds; UTC where no offset is given. -#}
{% macro raw_timestamp(columns, candidates) -%}
    {{ try_to_timestamp(raw_text(columns, candidates)) }}
{%- endmacro %}


{#- JSON, whole. -#}
{% macro raw_json(columns, candidates) -%}
    coalesce(
        {%- for column in matching_columns(columns, candidates) %}
        {{ to_json(quoted_name(column.name), column.type | upper) }},
        {%- endfor %}
        cast(null as {{ engine_type('json') }})
    )
{%- endmacro %}


{#- A website in the shape of a list of domains: [{"name": website}]. -#}
{% macro website_as_domains(website) -%}
    {%- set plain = "replace(replace(" ~ website ~ ", '" ~ '"' ~ "', ''), chr(92), '')" -%}
    {{ to_json("'[{" ~ '"name": "' ~ "' || " ~ plain ~ " || '" ~ '"}]' ~ "'", 'VARCHAR') }}
{%- endmacro %}


{#- A raw column as it is; a null of the given type where this table has no such column. -#}
{% macro raw_as_is(columns, name, type) -%}
    {%- if columns and columns | selectattr('name', 'equalto', name) | list -%}
        {{ quoted_name(name) }}
    {%- else -%}
        cast(null as {{ engine_type(type) }})
    {%- endif -%}
{%- endmacro %}


{#-
    The first text found in JSON at one of several paths, keys joined by dots; of a list, the first
    element is looked into, too.
-#}
{% macro first_json_text(value, paths) -%}
    coalesce(
        {%- for path in paths %}
        nullif(trim({{ json_text(value, path.split('.')) }}), ''),
        {%- endfor %}
        {%- for path in paths %}
        nullif(trim({{ json_text(value, [0] + path.split('.')) }}), ''),
        {%- endfor %}
        cast(null as {{ dbt.type_string() }})
    )
{%- endmacro %}
