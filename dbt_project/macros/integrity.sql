{#-
    What always holds of the columns of a table, in one query: each data test costs dbt more than the query
    does. A row for each value that breaks it; `tell_broken_rules` counts them by rule.

    Args: `not_null` and `unique`, lists of columns; `accepted_values`, a list of texts for each column. A
    null is unique, and accepted.
-#}
{% test integrity(model, not_null=[], unique=[], accepted_values={}) %}
{%- set queries = [] -%}
{%- if not_null -%}
    {%- set broken -%}
select
    case
    {%- for column in not_null %}
        when {{ column }} is null then '{{ column }} is null'
    {%- endfor %}
    end as broken_rule,
    cast(null as {{ type_string() }}) as broken_value
from {{ model }}
where {% for column in not_null %}{{ 'or ' if not loop.first }}{{ column }} is null {% endfor %}
    {%- endset -%}
    {%- do queries.append(broken) -%}
{%- endif -%}
{%- for column in unique -%}
    {%- set broken -%}
select
    '{{ column }} is not unique' as broken_rule,
    cast({{ column }} as {{ type_string() }}) as broken_value
from {{ model }}
where {{ column }} is not null
group by {{ column }}
having count(*) > 1
    {%- endset -%}
    {%- do queries.append(broken) -%}
{%- endfor -%}
{%- for column, values in accepted_values.items() -%}
    {%- set broken -%}
select
    '{{ column }} has another value' as broken_rule,
    cast({{ column }} as {{ type_string() }}) as broken_value
from {{ model }}
where {{ column }} not in ('{{ values | join("', '") }}')
    {%- endset -%}
    {%- do queries.append(broken) -%}
{%- endfor -%}
{{ queries | join('\nunion all\n') }}
{% endtest %}

{#- After the last node: which rules of `integrity` are broken, and how often; no value is told. -#}
{% macro tell_broken_rules(results) -%}
    {%- for result in results if execute and result.status == 'fail' and result.node.test_metadata
        and result.node.test_metadata.name == 'integrity' -%}
        {%- set table = result.node.attached_node.split('.')[-1] -%}
        {%- set counted = 'select broken_rule, count(*) from (' ~ result.node.compiled_code ~ '\n) as broken'
            ~ ' group by broken_rule order by broken_rule' -%}
        {%- for rule, number in run_query(counted).rows -%}
            {%- do log('Failure in ' ~ table ~ ': ' ~ rule ~ ' (' ~ ('once' if number == 1 else number ~ ' times') ~ ')', info=true) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
