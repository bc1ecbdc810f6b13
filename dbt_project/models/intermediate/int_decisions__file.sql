-- What people decided on the review page or by an import, a row per line of the decisions file.
with lines as (

    {{ decisions_file() }}

),

undone as (

    select distinct undoes from lines
    where lower(trim(decision)) = 'undo' and undoes is not null

)

select
    lines.id,
    lines.kind,
    lines.contact_id,
    lines.company_id,
    lines.kizen_contact_id,
    lines.left_id,
    lines.right_id,
    lines.undoes,
    lines.action,
    lines.author,
    lines.reason,
    lines.source,
    lines.sample,
    lower(trim(lines.decision)) as decision,
    {{ try_to_timestamp('lines.decided_at') }} as decided_at,
    undone.undoes is not null as is_taken_back
from lines
left join undone on lines.id = undone.undoes
