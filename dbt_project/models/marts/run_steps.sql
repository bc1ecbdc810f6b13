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
    error
from lines
where kind = 'step'
