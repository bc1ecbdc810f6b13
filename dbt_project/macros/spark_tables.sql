{#-
    Spark evaluates a common table expression anew wherever it is named, with all that it rests on: a
    model of ten expressions, each named twice, is a plan of a thousand. DuckDB stores what is named more
    than once, and so does this: such an expression becomes a table of its own while the model is built.
-#}
{% materialization table, adapter='spark' %}
    {{ return(spark_table()) }}
{% endmaterialization %}


{#- A view would be evaluated by each model that reads it, too. -#}
{% materialization view, adapter='spark' %}
    {{ return(spark_table()) }}
{% endmaterialization %}


{% macro spark_table() %}
    {%- set old_relation = adapter.get_relation(database=database, schema=schema, identifier=model['alias']) -%}
    {%- set target_relation = api.Relation.create(
        identifier=model['alias'], schema=schema, database=database, type='table'
    ) -%}
    {{ run_hooks(pre_hooks) }}
    {%- if old_relation is not none -%}
        {{ adapter.drop_relation(old_relation) }}
    {%- endif -%}
    {%- set plan = spark_plan(
        spark_texts(compiled_code), target_relation.schema ~ '.' ~ model['alias']
    ) -%}
    {%- for step in plan.steps -%}
        {%- do run_query('drop table if exists ' ~ step.relation) -%}
        {%- do run_query('create table ' ~ step.relation ~ ' using parquet as ' ~ step.sql) -%}
    {%- endfor -%}
    {%- call statement('main') -%}
        {{ create_table_as(False, target_relation, plan.sql) }}
    {%- endcall -%}
    {%- for step in plan.steps -%}
        {%- do run_query('drop table ' ~ step.relation) -%}
    {%- endfor -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmacro %}


{#-
    What is to be stored before a query, and the query that reads it.

    Returns {steps, sql}: steps a list of {relation, sql}, in the order in which they are made. The
    names of the relations begin with the given one.
-#}
{% macro spark_plan(sql, relation) %}
    {%- set parts = spark_expressions(sql) -%}
    {%- set expressions = parts.expressions -%}
    {%- set copies, stored = {}, {} -%}
    {#- From the last to the first: each is read by later ones only. -#}
    {%- for expression in expressions | reverse -%}
        {%- set pattern = '\\b(?:from|join)\\s+' ~ expression.name ~ '\\b' -%}
        {%- set count = namespace(of=modules.re.findall(pattern, parts.query) | length) -%}
        {%- for reader in expressions -%}
            {%- if reader.place > expression.place -%}
                {%- set named = modules.re.findall(pattern, reader.sql) | length -%}
                {%- if named -%}
                    {%- do reader.reads.append(expression.name) -%}
                    {%- set count.of = count.of + named * copies[reader.name] -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set is_nested = modules.re.match('\\s*with\\b', expression.sql) is not none -%}
        {%- if is_nested or (count.of > 1 and spark_is_costly(expression.sql)) -%}
            {%- do stored.update({expression.name: relation ~ '__' ~ expression.name}) -%}
            {%- set count.of = 1 -%}
        {%- endif -%}
        {%- do copies.update({expression.name: count.of}) -%}
    {%- endfor -%}
    {%- set steps, before = [], [] -%}
    {%- for expression in expressions -%}
        {%- if expression.name in stored -%}
            {%- set step = stored[expression.name] -%}
            {%- set within = spark_plan(spark_with(before, expression.reads, expression.sql), step) -%}
            {%- do steps.extend(within.steps) -%}
            {%- do steps.append({'relation': step, 'sql': within.sql}) -%}
            {%- do before.append({
                'name': expression.name, 'sql': 'select * from ' ~ stored[expression.name], 'reads': []
            }) -%}
        {%- else -%}
            {%- do before.append(expression) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set names = before | map(attribute='name') | list -%}
    {{ return({'steps': steps, 'sql': spark_with(before, names, parts.query) if steps else sql}) }}
{% endmacro %}


{#- A query after those of the expressions that it reads, directly or not. -#}
{% macro spark_with(expressions, names, query) %}
    {%- set wanted, found = names | list, [] -%}
    {%- for expression in expressions | reverse -%}
        {%- if expression.name in wanted -%}
            {%- do wanted.extend(expression.reads) -%}
            {%- do found.insert(0, expression.name ~ ' as (' ~ expression.sql ~ ')') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not found -%}
        {{ return(query) }}
    {%- endif -%}
    {#- A query of expressions of its own goes on with them. -#}
    {%- set within = modules.re.match('\\s*with\\b', query) -%}
    {%- set rest = ',' ~ query[within.end():] if within else '\n' ~ query -%}
    {{ return('with ' ~ found | join(',\n') ~ rest) }}
{% endmacro %}


{#- Whether it costs more to evaluate an expression twice than to store it: it joins, groups or computes. -#}
{% macro spark_is_costly(sql) %}
    {{ return(
        modules.re.search('\\b(join|group by|distinct|union|over|explode|posexplode)\\b', sql) is not none
        or sql.count('(') > 8
    ) }}
{% endmacro %}


{#-
    The common table expressions of a query: {expressions, query}, the first a list of {name, sql,
    place, reads}, the second what follows them. Brackets in texts and comments do not count.
-#}
{% macro spark_expressions(sql) %}
    {%- set at = namespace(depth=0, opened=0, closed=0, header='', ended=false) -%}
    {%- set found = [] -%}
    {%- for token in modules.re.finditer("(?s)\\br'[^']*'|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`|--[^\\n]*|/\\*.*?\\*/|[()]", sql) -%}
        {%- if token.group() == '(' -%}
            {%- if at.depth == 0 and not at.ended -%}
                {%- set header = modules.re.sub('--[^\\n]*|(?s:/\\*.*?\\*/)', '', sql[at.closed:token.start()]) -%}
                {%- set named = modules.re.match(
                    '\\s*' ~ (',' if found else 'with\\b') ~ '\\s*([A-Za-z0-9_]+)\\s+as\\s*$', header
                ) -%}
                {%- set at.header = named.group(1) if named else '' -%}
                {%- set at.ended = not named -%}
                {%- set at.opened = token.end() -%}
            {%- endif -%}
            {%- set at.depth = at.depth + 1 -%}
        {%- elif token.group() == ')' -%}
            {%- set at.depth = at.depth - 1 -%}
            {%- if at.depth == 0 and not at.ended -%}
                {%- do found.append({
                    'name': at.header, 'sql': sql[at.opened:token.start()], 'place': found | length, 'reads': []
                }) -%}
                {%- set at.closed = token.end() -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({'expressions': found, 'query': sql[at.closed:]}) }}
{% endmacro %}


{#- A query with quotes in texts as Spark has them: two of them are none to it. -#}
{% macro spark_texts(sql) %}
    {%- set at, parts = namespace(end=0), [] -%}
    {%- for token in modules.re.finditer("(?s)\\br'[^']*'|'(?:[^'\\\\]|\\\\.|'')*'|`[^`]*`|--[^\\n]*|/\\*.*?\\*/", sql) -%}
        {%- set text = token.group() -%}
        {%- if text.startswith("'") and "''" in text[1:-1] -%}
            {%- do parts.append(sql[at.end:token.start()] ~ "'" ~ text[1:-1].replace("''", "\\'") ~ "'") -%}
            {%- set at.end = token.end() -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(parts | join ~ sql[at.end:]) }}
{% endmacro %}


{#- The columns of a contract as a query of no rows, by the types that Spark has. -#}
{% macro spark__get_empty_schema_sql(columns) %}
    select
    {%- for column in columns.values() %}
        cast(null as {{ engine_type(column['data_type']) }}) as {{ adapter.quote(column['name']) }}
        {{- ',' if not loop.last }}
    {%- endfor %}
{% endmacro %}
