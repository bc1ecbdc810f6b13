{#- Selects when a source was loaded last: the newest load of those of its tables that there are. -#}
{% macro newest_load(source_table, names) -%}
    {%- set loads = [] -%}
    {%- if execute -%}
        {%- for name in names -%}
            {%- set relation = load_relation(source_table.incorporate(path={'identifier': name})) -%}
            {%- if relation is not none -%}
                {%- set loaded_at = raw_timestamp(raw_columns(relation), load_times()) -%}
                {%- do loads.append('select max(' ~ loaded_at ~ ') as loaded_at from ' ~ relation) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not loads -%}
            {%- do exceptions.raise_compiler_error(
                source_table.schema ~ ' has none of the tables ' ~ names | join(', ')
                ~ ': it was never loaded'
            ) -%}
        {%- endif -%}
    {%- endif -%}
    select max(loaded_at) from ({{ loads | join(' union all ') }}) as loads
{%- endmacro %}

{#- The columns in which loaders note when a row came: ours, and Airbyte's. -#}
{% macro load_times() -%}
    {{ return(['_sdc_received_at', '_airbyte_extracted_at']) }}
{%- endmacro %}
