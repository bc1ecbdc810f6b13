with lines as (

    select * from {{ ref('int_runs__file') }}

)

select
    run_id,
    step,
    started_at,
    seconds,
    result,
    rows_loaded,
    rows_inserted,
    rows_updated,
    rows_deleted,
    error
from lines
where kind = 'step'
