{#- Selects when a source was loaded last: the newest load of those of its tables that there are. -#}
{% macro newest_load(source_table, names) -%}
    {%- set loads = [] -%}
    {%- if execute -%}
        {%- for name in names -%}
            {%- set relation = load_relation(source_table.incorporate(path={'identifier': name})) -%}
            {%- if relation is not none -%}
                {%- do loads.append('select max(_sdc_received_at) as loaded_at from ' ~ relation) -%}
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
