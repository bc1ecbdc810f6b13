{#-
    The columns a raw table has in this account: a list of {name, type, key}, or none where the table was
    never loaded. Accounts differ in both, so no model may name a raw column that it has not seen. The key
    is that of `column_key`: each meaning looks through all columns, and a macro call is slow.
-#}
{% macro raw_columns(relation) %}
    {%- if not execute -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set table = load_relation(relation) -%}
    {%- if table is none -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(adapter.dispatch('typed_columns')(table)) }}
{% endmacro %}


{% macro duckdb__typed_columns(table) %}
    {%- set columns = [] -%}
    {%- for column in adapter.get_columns_in_relation(table) -%}
        {%- do columns.append(
            {'name': column.name, 'type': column.dtype, 'key': column_key(column.name)}
        ) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}


{#- Spark has no JSON: a column of text that holds it says so in its comment, and one of a list, too. -#}
{% macro spark__typed_columns(table) %}
    {%- set columns = [] -%}
    {%- for column in run_query('describe table ' ~ table) -%}
        {%- do columns.append({
            'name': column.col_name,
            'type': column.comment or column.data_type,
            'key': column_key(column.col_name),
        }) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}


{#- The rows of a raw table that its service has not deleted; no rows where it was never loaded. -#}
{% macro live_rows(relation, columns) -%}
    {%- if columns is none -%}
        select 1 as never_loaded where 1 = 0
    {%- else -%}
        select * from {{ relation }}
        {%- if columns | selectattr('name', 'equalto', '_sdc_deleted_at') | list %}
        where _sdc_deleted_at is null
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- The first of several raw tables that has rows of its service; the first of all if none has. -#}
{% macro first_with_rows(relations) %}
    {%- if execute -%}
        {%- for relation in relations -%}
            {%- set columns = raw_columns(relation) -%}
            {%- set rows = run_query(live_rows(relation, columns) ~ ' limit 1') -%}
            {%- if rows | length > 0 -%}
                {{ return(relation) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(relations[0]) }}
{% endmacro %}


{#-
    Two spellings of one column name have the same key: no case, accents, spaces or signs. A name of
    nothing else is its own key.
-#}
{% macro column_key(name) -%}
    {%- set accents = ''.maketrans('àáâãäåçèéêëìíîïñòóôõöùúûüýÿ', 'aaaaaaceeeeiiiinooooouuuuyy') -%}
    {{ return(modules.re.sub('[^a-z0-9]', '', name.lower().translate(accents)) or name.lower()) }}
{%- endmacro %}


{#-
    Where the candidates of one meaning are found, best first: a list of {name, type, path}, the path
    being empty or the keys that lead into a JSON column.
-#}
{% macro matching_columns(columns, candidates) %}
    {%- set by_key = {} -%}
    {%- for column in columns or [] -%}
        {#- Unit tests name columns and types alone. -#}
        {%- do by_key.setdefault(column.key or column_key(column.name), []).append(column) -%}
    {%- endfor -%}
    {%- set found = [] -%}
    {%- for candidate in candidates -%}
        {%- set whole = by_key.get(column_key(candidate), []) -%}
        {%- for column in whole -%}
            {%- do found.append({'name': column.name, 'type': column.type, 'path': []}) -%}
        {%- endfor -%}
        {%- set path = candidate.split('.') -%}
        {%- if not whole and path | length > 1 -%}
            {%- for column in by_key.get(column_key(path[0]), []) -%}
                {%- do found.append({'name': column.name, 'type': column.type, 'path': path[1:]}) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
