{#- What engines spell differently, and nothing else: one macro per operation, dispatched. -#}

{#-
    A column of a raw table as SQL writes it. The service names these columns: a quote in a name must
    not end it, as it would where the adapter does the quoting.
-#}
{% macro quoted_name(name) -%}
    {{ adapter.dispatch('quoted_name')(name) }}
{%- endmacro %}

{% macro duckdb__quoted_name(name) -%}
    "{{ name | replace('"', '""') }}"
{%- endmacro %}

{% macro spark__quoted_name(name) -%}
    `{{ name | replace('`', '``') }}`
{%- endmacro %}


{#-
    A pattern as Spark reads it: raw, so that a backslash is one; two quotes in a text are none to it,
    so they go by their number.
-#}
{% macro spark_pattern(pattern) -%}
    r'{{ pattern | replace("''", "\\x27") }}'
{%- endmacro %}


{#- Every match of the pattern replaced; \1 in the replacement is the first group. -#}
{% macro regexp_replace_all(value, pattern, replacement) -%}
    {{ adapter.dispatch('regexp_replace_all')(value, pattern, replacement) }}
{%- endmacro %}

{% macro duckdb__regexp_replace_all(value, pattern, replacement) -%}
    regexp_replace({{ value }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{% macro spark__regexp_replace_all(value, pattern, replacement) -%}
    {%- set replacement = modules.re.sub('\\\\([0-9])', '$\\1', replacement) -%}
    regexp_replace({{ value }}, {{ spark_pattern(pattern) }}, '{{ replacement }}')
{%- endmacro %}


{#- Whether the pattern matches anywhere in the value. -#}
{% macro regexp_matches(value, pattern) -%}
    {{ adapter.dispatch('regexp_matches')(value, pattern) }}
{%- endmacro %}

{% macro duckdb__regexp_matches(value, pattern) -%}
    regexp_matches({{ value }}, '{{ pattern }}')
{%- endmacro %}

{% macro spark__regexp_matches(value, pattern) -%}
    {{ value }} rlike {{ spark_pattern(pattern) }}
{%- endmacro %}


{#- The first group of the first match, empty where nothing matches. -#}
{% macro regexp_first_group(value, pattern) -%}
    {{ adapter.dispatch('regexp_first_group')(value, pattern) }}
{%- endmacro %}

{% macro duckdb__regexp_first_group(value, pattern) -%}
    regexp_extract({{ value }}, '{{ pattern }}', 1)
{%- endmacro %}

{% macro spark__regexp_first_group(value, pattern) -%}
    regexp_extract({{ value }}, {{ spark_pattern(pattern) }}, 1)
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

{#- Spark has no type of JSON text: JSON is text that can be parsed. -#}
{% macro spark__to_json(value, type) -%}
    {%- if type == 'JSON' -%}
        {{ value }}
    {%- elif type.endswith('[]') -%}
        to_json({{ value }})
    {%- else -%}
        case when try_parse_json({{ value }}) is not null then {{ value }} end
    {%- endif -%}
{%- endmacro %}


{#- The text at a path into JSON: keys and zero-based indexes. Null where the path leads nowhere. -#}
{% macro json_text(value, path) -%}
    {{ adapter.dispatch('json_text')(value, path) }}
{%- endmacro %}

{% macro duckdb__json_text(value, path) -%}
    json_extract_string({{ value }}, '{{ duckdb_json_path(path) }}')
{%- endmacro %}

{% macro duckdb_json_path(path) -%}
    {%- set steps = [] -%}
    {%- for step in path -%}
        {%- if step is number -%}
            {%- do steps.append('[' ~ step ~ ']') -%}
        {%- else -%}
            {%- do steps.append('."' ~ (step | replace("'", "''")) ~ '"') -%}
        {%- endif -%}
    {%- endfor -%}
    ${{ steps | join('') }}
{%- endmacro %}

{% macro spark__json_text(value, path) -%}
    {%- set steps = [] -%}
    {%- for step in path -%}
        {%- do steps.append('[' ~ step ~ ']' if step is number else "['" ~ step ~ "']") -%}
    {%- endfor -%}
    {%- if steps -%}
        get_json_object({{ value }}, "${{ steps | join('') }}")
    {%- else -%}
        nullif(get_json_object({{ value }}, '$'), 'null')
    {%- endif -%}
{%- endmacro %}


{#-
    Whether JSON may hold text at one of several paths; what it does not hold at any, need not be
    looked for one by one.
-#}
{% macro may_hold_json_text(value, paths) -%}
    {{ adapter.dispatch('may_hold_json_text')(value, paths) }}
{%- endmacro %}

{#- All paths at once: the JSON is parsed for each call. A key with a star may stand for others. -#}
{% macro duckdb__may_hold_json_text(value, paths) -%}
    {%- set texts = [] -%}
    {%- for path in paths -%}
        {%- do texts.append("'" ~ duckdb_json_path(path) ~ "'") -%}
    {%- endfor -%}
    {%- if '*' in texts | join -%}
        {{ value }} is not null
    {%- else -%}
        list_any_value(json_extract_string({{ value }}, [{{ texts | join(', ') }}])) is not null
    {%- endif -%}
{%- endmacro %}

{% macro spark__may_hold_json_text(value, paths) -%}
    {{ value }} is not null
{%- endmacro %}


{#- The keys of a JSON object, as a JSON array; null where the value is no object. -#}
{% macro json_object_keys(value) -%}
    {{ adapter.dispatch('json_object_keys')(value) }}
{%- endmacro %}

{% macro duckdb__json_object_keys(value) -%}
    case when json_type({{ value }}) = 'OBJECT' then to_json(json_keys({{ value }})) end
{%- endmacro %}

{% macro spark__json_object_keys(value) -%}
    to_json(json_object_keys({{ value }}))
{%- endmacro %}


{#- What the engine calls one of DuckDB's types. -#}
{% macro engine_type(type) -%}
    {{ adapter.dispatch('engine_type')(type) }}
{%- endmacro %}

{% macro duckdb__engine_type(type) -%}
    {{ type }}
{%- endmacro %}

{% macro spark__engine_type(type) -%}
    {{ {'json': 'string', 'varchar': 'string', 'timestamp with time zone': 'timestamp'}.get(type, type) }}
{%- endmacro %}


{#- Selects a row per element of a JSON array: the given columns of the relation, and `element`. -#}
{% macro elements_of(relation, value, columns) -%}
    {{ adapter.dispatch('elements_of')(relation, value, columns) }}
{%- endmacro %}

{#- Unnested in the list of columns: a join with unnest() looks each array up again, as text. -#}
{% macro duckdb__elements_of(relation, value, columns) -%}
    select
        {{ columns | join(', ') }},
        unnest(from_json({{ value }}, '["json"]')) as element
    from {{ relation }}
{%- endmacro %}

{% macro spark__elements_of(relation, value, columns) -%}
    select
        {{ columns | join(', ') }},
        elements.element
    from {{ relation }}
    cross join lateral (
        select to_json(exploded.value) as element
        from variant_explode(try_parse_json({{ value }})) as exploded
    ) as elements
{%- endmacro %}


{#- Conversions of text that give null, never an error, where the text does not fit. -#}
{% macro try_to_number(value) -%}
    {{ adapter.dispatch('try_to_number')(value) }}
{%- endmacro %}

{% macro duckdb__try_to_number(value) -%}
    try_cast({{ value }} as double)
{%- endmacro %}

{% macro spark__try_to_number(value) -%}
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

{% macro spark__try_to_date(value) -%}
    coalesce(
        try_cast({{ value }} as date),
        cast(try_to_timestamp({{ value }}, 'd/M/yyyy') as date),
        cast(try_to_timestamp({{ value }}, 'd-M-yyyy') as date),
        cast(try_to_timestamp({{ value }}, 'd.M.yyyy') as date)
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

{% macro spark__try_to_timestamp(value) -%}
    coalesce(
        try_cast({{ value }} as timestamp),
        timestamp_seconds(
            cast(nullif(regexp_extract({{ value }}, '^[0-9]{9,10}$', 0), '') as bigint)
        ),
        try_to_timestamp({{ value }}, 'd/M/yyyy H:m:s'),
        try_to_timestamp({{ value }}, 'd/M/yyyy H:m'),
        try_to_timestamp({{ value }}, 'd/M/yyyy')
    )
{%- endmacro %}


{#-
    Selects a row per word of a text, which single spaces part: the given columns of the relation,
    `word` and `position` (from 1).
-#}
{% macro words_of(relation, value, columns) -%}
    {{ adapter.dispatch('words_of')(relation, value, columns) }}
{%- endmacro %}

{% macro duckdb__words_of(relation, value, columns) -%}
    select
        {{ columns | join(', ') }},
        unnest(string_split({{ value }}, ' ')) as word,
        generate_subscripts(string_split({{ value }}, ' '), 1) as position
    from {{ relation }}
{%- endmacro %}

{% macro spark__words_of(relation, value, columns) -%}
    select
        {{ columns | join(', ') }},
        words.col as word,
        words.pos + 1 as position
    from {{ relation }}
    cross join lateral (select pos, col from posexplode(split({{ value }}, ' '))) as words
{%- endmacro %}


{#- Aggregate: the words of a group in the order of their positions, one separator between. -#}
{% macro words_in_order(word, position, separator=' ') -%}
    {{ adapter.dispatch('words_in_order')(word, position, separator) }}
{%- endmacro %}

{% macro duckdb__words_in_order(word, position, separator) -%}
    string_agg({{ word }}, '{{ separator }}' order by {{ position }})
{%- endmacro %}

{% macro spark__words_in_order(word, position, separator) -%}
    array_join(
        transform(array_sort(collect_list(struct({{ position }} as place, {{ word }} as word))), x -> x.word),
        '{{ separator }}'
    )
{%- endmacro %}

{#- How many bytes (UTF-8) one text differs from another in: Levenshtein's distance. -#}
{% macro edit_distance(one, other) -%}
    {{ adapter.dispatch('edit_distance')(one, other) }}
{%- endmacro %}

{#- A common beginning is no edit: without it there is less to compare. -#}
{% macro duckdb__edit_distance(one, other) -%}
    case
        {%- for letters in [10, 6] %}
        when left({{ one }}, {{ letters }}) = left({{ other }}, {{ letters }})
            then levenshtein(
                substring({{ one }}, {{ letters + 1 }}), substring({{ other }}, {{ letters + 1 }})
            )
        {%- endfor %}
        else levenshtein({{ one }}, {{ other }})
    end
{%- endmacro %}

{#- Spark counts letters: each byte is made one. -#}
{% macro spark__edit_distance(one, other) -%}
    levenshtein(
        decode(encode({{ one }}, 'UTF-8'), 'ISO-8859-1'),
        decode(encode({{ other }}, 'UTF-8'), 'ISO-8859-1')
    )
{%- endmacro %}


{#- A row per day, both ends included, as column `date_day`. -#}
{% macro days_between(first, last) -%}
    {{ adapter.dispatch('days_between')(first, last) }}
{%- endmacro %}

{% macro duckdb__days_between(first, last) -%}
    generate_series(date '{{ first }}', date '{{ last }}', interval 1 day) as days (date_day)
{%- endmacro %}

{% macro spark__days_between(first, last) -%}
    (
        select explode(sequence(date '{{ first }}', date '{{ last }}', interval 1 day)) as date_day
    ) as days
{%- endmacro %}


{#- An aggregate: a JSON object of keys and numbers, in the order of the keys. -#}
{% macro json_object_of(key, number) -%}
    {{ adapter.dispatch('json_object_of')(key, number) }}
{%- endmacro %}

{% macro duckdb__json_object_of(key, number) -%}
    cast(
        '{' || string_agg(to_json({{ key }}) || ':' || {{ number }}, ',' order by {{ key }}) || '}'
        as json
    )
{%- endmacro %}

{% macro spark__json_object_of(key, number) -%}
    to_json(map_from_entries(array_sort(collect_list(struct({{ key }}, {{ number }})))))
{%- endmacro %}


{#- Selects a row per run of three letters of a text: the given columns of the relation, and `gram`. -#}
{% macro trigrams_of(relation, value, columns) -%}
    {{ adapter.dispatch('trigrams_of')(relation, value, columns) }}
{%- endmacro %}

{% macro duckdb__trigrams_of(relation, value, columns) -%}
    select
        {{ columns | join(', ') }},
        substring({{ value }}, cast(place as integer), 3) as gram
    from (
        select
            {{ columns | join(', ') }},
            {{ value }},
            unnest(range(1, length({{ value }}) - 1)) as place
        from {{ relation }}
    ) as places
{%- endmacro %}

{% macro spark__trigrams_of(relation, value, columns) -%}
    select
        {{ columns | join(', ') }},
        substring({{ value }}, places.place, 3) as gram
    from {{ relation }}
    cross join lateral (
        select explode(sequence(1, greatest(length({{ value }}) - 2, 1))) as place
    ) as places
{%- endmacro %}


{#-
    Selects the rows of a relation with their number, from 1, in the order of columns that together are
    unique and never null. `descending` names those numbers of `columns` that are ordered from the largest.
-#}
{% macro numbered_rows(relation, columns, number, descending=[]) -%}
    {{ adapter.dispatch('numbered_rows')(relation, columns, number, descending) }}
{%- endmacro %}

{% macro duckdb__numbered_rows(relation, columns, number, descending) -%}
    {%- set order = [] -%}
    {%- for column in columns -%}
        {%- do order.append(column ~ (' desc' if column in descending else ' asc')) -%}
    {%- endfor -%}
    select
        *,
        row_number() over (order by {{ order | join(', ') }}) as {{ number }}
    from {{ relation }}
{%- endmacro %}

{#-
    A window over all rows is the work of one node. Here the rows are parted by where they stand among
    bounds, which some hundred of them are; each part is numbered by itself, from the number of rows before.
-#}
{% macro spark__numbered_rows(relation, columns, number, descending) -%}
    {%- set keys = [] -%}
    {%- for column in columns -%}
        {%- do keys.append('-' ~ column if column in descending else column) -%}
    {%- endfor -%}
    {%- set key = 'struct(' ~ keys | join(', ') ~ ')' if keys | length > 1 else keys[0] -%}
    select
        {{ number }}_rows.* except (keys, numbered_part, numbered_key),
        {{ number }}_parts.rows_before + row_number() over (
            partition by {{ number }}_rows.numbered_part order by {{ number }}_rows.numbered_key
        ) as {{ number }}
    from (
        {{ spark_parted_rows(relation, key) }}
    ) as {{ number }}_rows
    inner join (
        select
            numbered_part,
            sum(count(*)) over (order by numbered_part) - count(*) as rows_before
        from (
            {{ spark_parted_rows(relation, key) }}
        ) as parted_rows
        group by numbered_part
    ) as {{ number }}_parts
        on {{ number }}_rows.numbered_part = {{ number }}_parts.numbered_part
{%- endmacro %}

{% macro spark_parted_rows(relation, key) -%}
    select
        *,
        {{ key }} as numbered_key,
        size(filter(bounds.keys, bound -> bound <= {{ key }})) as numbered_part
    from {{ relation }}
    cross join (
        select collect_list(bound_key) as keys
        from (
            select {{ key }} as bound_key from {{ relation }}
            order by xxhash64({{ key }}), {{ key }}
            limit 200
        ) as bound_keys
    ) as bounds
{%- endmacro %}


{#-
    Selects, for each row of a relation, the given columns of it beside several rows of new ones: `rows` is a
    list of lists of expressions over the relation, as many as there are `names`.
-#}
{% macro rows_beside(relation, columns, names, rows) -%}
    {{ adapter.dispatch('rows_beside')(relation, columns, names, rows) }}
{%- endmacro %}

{% macro duckdb__rows_beside(relation, columns, names, rows) -%}
    {%- for row in rows %}
    select
        {%- for value in row %}
        {{ value }} as {{ names[loop.index0] }},
        {%- endfor %}
        {{ columns | join(', ') }}
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{#- Each part of a union is a plan of the whole relation to Spark. -#}
{% macro spark__rows_beside(relation, columns, names, rows) -%}
    select
        stack(
            {{ rows | length }}
            {%- for row in rows %},
            {{ row | join(', ') }}
            {%- endfor %}
        ) as ({{ names | join(', ') }}),
        {{ columns | join(', ') }}
    from {{ relation }}
{%- endmacro %}
