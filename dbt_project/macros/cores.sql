{#-
    Cores are shared by the models that dbt builds at a time: a thread of DuckDB that waits for another
    one does not sleep, and keeps a core from the model beside it.
-#}
{% macro share_cores() -%}
    {{ adapter.dispatch('share_cores')() }}
{%- endmacro %}

{% macro duckdb__share_cores() -%}
    set threads = greatest(1, current_setting('threads') - {{ target.threads }} + 1)
{%- endmacro %}

{% macro spark__share_cores() -%}
{%- endmacro %}


{#- From here on one model after another is waited for: each has all cores. -#}
{% macro take_all_cores() -%}
    {{ adapter.dispatch('take_all_cores')() }}
{%- endmacro %}

{% macro duckdb__take_all_cores() -%}
    reset threads
{%- endmacro %}

{% macro spark__take_all_cores() -%}
{%- endmacro %}
