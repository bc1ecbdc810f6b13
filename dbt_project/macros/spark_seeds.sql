{#- dbt-spark puts the values of a seed between quotes as they are; here nulls stay, quotes may occur. -#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows -%}
        {%- set values = [] -%}
        {%- for name in agate_table.column_names -%}
            {%- set text = row[name] | string | replace('\\', '\\\\') | replace("'", "\\'") -%}
            {%- set value = 'null' if row[name] is none else "'" ~ text ~ "'" -%}
            {%- set type = types.get(name, adapter.convert_type(agate_table, loop.index0)) -%}
            {%- do values.append('cast(' ~ value ~ ' as ' ~ type ~ ')') -%}
        {%- endfor -%}
        {%- do rows.append('(' ~ values | join(', ') ~ ')') -%}
    {%- endfor -%}
    {#- In pieces, so that no statement grows with the seed. -#}
    {%- for chunk in rows | batch(500) -%}
        {%- set sql = 'insert into ' ~ this ~ ' values ' ~ chunk | join(',\n') -%}
        {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {%- endfor -%}
    {{ return('insert into ' ~ this ~ ' values …') }}
{% endmacro %}
