-- What happened in each run of `refresh`, a row per line of the file of runs.
with lines as (

    {{ runs_file() }}

)

select
    kind,
    run_id,
    step,
    stream,
    result,
    error,
    {{ try_to_timestamp('started_at') }} as started_at,
    try_cast(seconds as double) as seconds,
    try_cast(rows_loaded as bigint) as rows_loaded,
    try_cast(rows_inserted as bigint) as rows_inserted,
    try_cast(rows_updated as bigint) as rows_updated,
    try_cast(rows_deleted as bigint) as rows_deleted,
    try_cast(rows_in_table as bigint) as rows_in_table
from lines
where run_id is not null
