{#-
    A table is replaced in one transaction: DuckDB drops and creates within one, and leaves the old table
    where the query fails. dbt-duckdb makes the new table beside it, renames both, and looks for indexes
    and foreign keys, which no table here has: five statements more for each. A lake goes dbt-duckdb's way.
-#}
{% materialization table, adapter='duckdb' %}
    {%- if is_lake() -%}
        {{ return(dbt.materialization_table_duckdb()) }}
    {%- endif -%}
    {%- set old_relation = load_cached_relation(this) -%}
    {%- set relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%}
        {%- if old_relation is not none -%}
            drop {{ old_relation.type }} {{ old_relation }};
        {%- endif %}
        {{ create_table_as(False, relation, compiled_code) }}
    {%- endcall -%}
    {%- do persist_docs(relation, model) -%}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}
