{#- What engines spell differently, and nothing else: one macro per operation, dispatched. -#}

{#- Every match of the pattern replaced; \1 in the replacement is the first group. -#}
{% macro regexp_replace_all(value, pattern, replacement) -%}
    {{ adapter.dispatch('regexp_replace_all')(value, pattern, replacement) }}
{%- endmacro %}

{% macro duckdb__regexp_replace_all(value, pattern, replacement) -%}
    regexp_replace({{ value }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}


{#- Whether the pattern matches anywhere in the value. -#}
{% macro regexp_matches(value, pattern) -%}
    {{ adapter.dispatch('regexp_matches')(value, pattern) }}
{%- endmacro %}

{% macro duckdb__regexp_matches(value, pattern) -%}
    regexp_matches({{ value }}, '{{ pattern }}')
{%- endmacro %}


{#- The first group of the first match, empty where nothing matches. -#}
{% macro regexp_first_group(value, pattern) -%}
    {{ adapter.dispatch('regexp_first_group')(value, pattern) }}
{%- endmacro %}

{% macro duckdb__regexp_first_group(value, pattern) -%}
    regexp_extract({{ value }}, '{{ pattern }}', 1)
{%- endmacro %}


{#- A value of the given type as JSON; text that is not JSON is null. -#}
{% macro to_json(value, type) -%}
    {{ adapter.dispatch('to_json')(value, type) }}
{%- endmacro %}

{% macro duckdb__to_json(value, type) -%}
    {%- if type == 'JSON' -%}
        {{ value }}
    {%- else -%}
        try_cast({{ value }} as json)
    {%- endif -%}
{%- endmacro %}


{#- The text at a path into JSON: keys and zero-based indexes. Null where the path leads nowhere. -#}
{% macro json_text(value, path) -%}
    {{ adapter.dispatch('json_text')(value, path) }}
{%- endmacro %}

{% macro duckdb__json_text(value, path) -%}
    {%- set steps = [] -%}
    {%- for step in path -%}
        {%- if step is number -%}
            {%- do steps.append('[' ~ step ~ ']') -%}
        {%- else -%}
            {%- do steps.append('."' ~ (step | replace("'", "''")) ~ '"') -%}
        {%- endif -%}
    {%- endfor -%}
    json_extract_string({{ value }}, '${{ steps | join('') }}')
{%- endmacro %}


{#- Joins each row to the elements of its JSON array, as column `element` of the alias. -#}
{% macro cross_join_json_array(value, alias) -%}
    {{ adapter.dispatch('cross_join_json_array')(value, alias) }}
{%- endmacro %}

{% macro duckdb__cross_join_json_array(value, alias) -%}
    cross join unnest(from_json({{ value }}, '["json"]')) as {{ alias }} (element)
{%- endmacro %}


{#- Conversions of text that give null, never an error, where the text does not fit. -#}
{% macro try_to_number(value) -%}
    {{ adapter.dispatch('try_to_number')(value) }}
{%- endmacro %}

{% macro duckdb__try_to_number(value) -%}
    try_cast({{ value }} as double)
{%- endmacro %}


{% macro try_to_date(value) -%}
    {{ adapter.dispatch('try_to_date')(value) }}
{%- endmacro %}

{% macro duckdb__try_to_date(value) -%}
    coalesce(
        try_cast({{ value }} as date),
        cast(try_strptime({{ value }}, ['%d/%m/%Y', '%d-%m-%Y', '%d.%m.%Y']) as date)
    )
{%- endmacro %}


{% macro try_to_timestamp(value) -%}
    {{ adapter.dispatch('try_to_timestamp')(value) }}
{%- endmacro %}

{% macro duckdb__try_to_timestamp(value) -%}
    coalesce(
        try_cast({{ value }} as timestamp with time zone),
        to_timestamp(try_cast(nullif(regexp_extract({{ value }}, '^[0-9]{9,10}$'), '') as bigint)),
        cast(
            try_strptime({{ value }}, ['%d/%m/%Y %H:%M:%S', '%d/%m/%Y %H:%M', '%d/%m/%Y'])
            as timestamp with time zone
        )
    )
{%- endmacro %}


{#-
    Joins each row to the words of a text, which single spaces part, as columns `word` and `position`
    (from 1) of the alias.
-#}
{% macro cross_join_words(value, alias) -%}
    {{ adapter.dispatch('cross_join_words')(value, alias) }}
{%- endmacro %}

{% macro duckdb__cross_join_words(value, alias) -%}
    cross join unnest(string_split({{ value }}, ' ')) with ordinality as {{ alias }} (word, position)
{%- endmacro %}


{#- Aggregate: the words of a group in the order of their positions, single spaces between. -#}
{% macro words_in_order(word, position) -%}
    {{ adapter.dispatch('words_in_order')(word, position) }}
{%- endmacro %}

{% macro duckdb__words_in_order(word, position) -%}
    string_agg({{ word }}, ' ' order by {{ position }})
{%- endmacro %}
