{%- set table = source('kananas', 'contacts') -%}
{%- set columns = raw_columns(table) -%}

with report as (

    {{ mapping_report(table, columns, var('contact_columns')) }}

)

select
    meaning,
    raw_column,
    json_path,
    raw_type,
    effect,
    candidate,
    row_count as contact_count,
    filled_count,
    fill_rate
from report
