{#-
    The mark of a build: what its inputs were, and what has to be done where none of them has changed
    since. It stands in the DuckDB file or lake itself, so it goes with it wherever that is copied.
    `dbt-wait` reads it; docs/operations.md says what for.
-#}

{#-
    Before anything is built: from now on, the tables are no longer those of the build that is marked. In
    a lake two may build at a time: the one that began last is named.
-#}
{% macro forget_build() -%}
    {%- if target.type == 'duckdb' and flags.WHICH in ['build', 'run', 'seed', 'snapshot', 'clone', 'retry'] -%}
        drop schema if exists {{ mark_schema() }} cascade
        {%- if is_lake() -%}
            ; begin;
            create schema {{ mark_schema() }};
            create table {{ mark_schema() }}.begun as select '{{ invocation_id }}' as invocation;
            commit
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro is_lake() -%}
    {{ return(env_var('DUCKDB_PATH', '').startswith('ducklake:')) }}
{%- endmacro %}

{#- The schema of the mark. A lake is not the database that dbt has opened: its name goes before. -#}
{% macro mark_schema() -%}
    {{ return('lake.build_mark' if is_lake() else 'build_mark') }}
{%- endmacro %}

{#- The database of all tables, as SQL. -#}
{% macro marked_database() -%}
    {{ return("'lake'" if is_lake() else 'current_database()') }}
{%- endmacro %}

{#- Whether no other build has begun since this one did. -#}
{% macro is_newest_build() -%}
    {%- if not is_lake() -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set begun = "select table_name from duckdb_tables() where database_name = 'lake'"
        ~ " and schema_name = 'build_mark' and table_name = 'begun'" -%}
    {%- if run_query(begun).rows | length == 0 -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set found = run_query('select invocation from lake.build_mark.begun').columns[0].values() -%}
    {{ return(found | list == [invocation_id]) }}
{%- endmacro %}

{#-
    After a build that made or left everything as it should be: its mark. The inputs come from
    `dbt-wait`, which has looked at them while nobody else could write; without them there is no mark.
-#}
{% macro mark_build(results) -%}
    {%- set inputs = env_var('DUCKDB_BUILD_INPUTS', '') if execute else '' -%}
    {%- if inputs and target.type == 'duckdb' and flags.WHICH == 'build' and all_is_well(results)
        and is_newest_build() -%}
        begin;
        create schema if not exists {{ mark_schema() }};
        create table {{ mark_schema() }}.relations as
        select schema_name, table_name from duckdb_tables() where {{ is_made() }}
        union all
        select schema_name, view_name as table_name from duckdb_views() where {{ is_made() }};
        create table {{ mark_schema() }}.repeats (place integer, kind varchar, name varchar, code varchar);
        {%- for kind, name, code in repeats(results) %}
        insert into {{ mark_schema() }}.repeats
        values ({{ loop.index }}, '{{ kind }}', '{{ name }}', '{{ code | replace("'", "''") }}');
        {%- endfor %}
        create table {{ mark_schema() }}.inputs (name varchar, fingerprint varchar);
        insert into {{ mark_schema() }}.inputs values
        {%- for name, fingerprint in fromjson(inputs).items() %}
        ('{{ name | replace("'", "''") }}', '{{ fingerprint }}'){{ ',' if not loop.last }}
        {%- endfor %};
        create table {{ mark_schema() }}.build as
        select
            cast('{{ run_started_at }}' as timestamptz) as built_at,
            cast('{{ env_var('DUCKDB_BUILD_WHOLE_AT', '') or run_started_at }}' as timestamptz) as whole_at;
        commit
    {%- endif -%}
{%- endmacro %}

{% macro is_made() -%}
    database_name = {{ marked_database() }} and not internal and schema_name in ('{{ made_schemas() | join("', '") }}')
{%- endmacro %}

{#- The schemas that this project makes. Everything else in the file is an input. -#}
{% macro made_schemas() -%}
    {{ return(['build_mark', 'history', 'intermediate', 'marts', 'seeds', 'staging']) }}
{%- endmacro %}

{% macro all_is_well(results) -%}
    {{ return(results | rejectattr('status', 'in', ['success', 'pass', 'warn', 'no-op']) | list | length == 0) }}
{%- endmacro %}

{#-
    What time changes though no input does, in the order of the build: a list of (kind, name, SQL). A
    model says so in `meta.when_unchanged`: `rebuild`, `test` (a view, which is as new as its query), or a
    statement in which `{this}` is the model. Its tests are repeated too.
-#}
{% macro repeats(results) -%}
    {%- set found, models = [], [] -%}
    {%- for result in results -%}
        {%- set node = result.node -%}
        {%- set wanted = node.config.meta.get('when_unchanged') if node.resource_type == 'model' -%}
        {%- if wanted -%}
            {%- do models.append(node.unique_id) -%}
        {%- endif -%}
        {%- if wanted == 'rebuild' -%}
            {%- set code = 'delete from ' ~ node.relation_name ~ '; insert into ' ~ node.relation_name
                ~ ' by name ' ~ node.compiled_code -%}
            {%- do found.append(('statement', node.name, code)) -%}
        {%- elif wanted and wanted != 'test' -%}
            {%- do found.append(('statement', node.name, wanted.replace('{this}', node.relation_name))) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for result in results if result.node.resource_type == 'test' -%}
        {%- if result.node.depends_on.nodes | select('in', models) | list and result.node.config.severity | lower == 'error' -%}
            {%- do found.append(('test', result.node.name, result.node.compiled_code)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
