with lines as (

    select * from {{ ref('int_runs__file') }}

)

select
    run_id,
    step as source,
    stream,
    rows_loaded,
    rows_inserted,
    rows_updated,
    rows_deleted,
    rows_in_table
from lines
where kind = 'stream'
