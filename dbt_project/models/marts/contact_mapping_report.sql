{%- set columns = raw_columns(source('kananas', 'contacts')) -%}

with source as (

    {{ live_rows(source('kananas', 'contacts'), columns) }}

),

counts as (

    {{ mapping_counts(columns, var('contact_columns')) }}

),

counted as (

    {{ counted_mapping(columns, var('contact_columns')) }}

),

described as (

    select
        *,
        case
            when raw_column is null then 'no column'
            when meaning is null then 'feeds nothing'
            when candidate = 1 then 'feeds'
            else 'feeds where those before are empty'
        end as effect
    from counted

)

select
    meaning,
    raw_column,
    json_path,
    raw_type,
    effect,
    candidate,
    contact_count,
    filled_count,
    cast(filled_count as double) / nullif(contact_count, 0) as fill_rate
from described
