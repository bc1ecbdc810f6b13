{#-
    The rows of a seed in one statement, as one text of JSON: dbt-spark casts each value of each row for
    itself, which Spark parses for longer than it takes to build most models.
-#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set rows, columns, values = [], [], [] -%}
    {%- for row in agate_table.rows -%}
        {%- set texts = [] -%}
        {%- for name in agate_table.column_names -%}
            {%- do texts.append(none if row[name] is none else row[name] | string) -%}
        {%- endfor -%}
        {%- do rows.append(texts) -%}
    {%- endfor -%}
    {%- for name in agate_table.column_names -%}
        {%- set type = types.get(name, adapter.convert_type(agate_table, loop.index0)) -%}
        {%- do values.append('cast(value[' ~ loop.index0 ~ '] as ' ~ type ~ ') as ' ~ name) -%}
    {%- endfor -%}
    {%- set text = tojson(rows) | replace('\\', '\\\\') | replace("'", "\\'") -%}
    {%- set sql -%}
        insert into {{ this }}
        select {{ values | join(', ') }}
        from (select explode(from_json('{{ text }}', 'array<array<string>>')) as value) as seed_rows
    {%- endset -%}
    {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {{ return('insert into ' ~ this ~ ' …') }}
{% endmacro %}
