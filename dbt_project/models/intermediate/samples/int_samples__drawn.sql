-- The contacts of the last sample, with what the rules proposed when it was drawn.
with lines as (

    {{ samples_file() }}

),

typed as (

    select
        id as sample_id,
        contact_id,
        stratum,
        cast(stratum_size as bigint) as stratum_size,
        status,
        cast(status_size as bigint) as status_size,
        drawn_for,
        cast(position as bigint) as position,
        company_id,
        tier,
        cast(confidence as decimal(4, 3)) as confidence,
        rule_version,
        cast(margin as double) as margin,
        {{ try_to_timestamp('drawn_at') }} as drawn_at
    from lines
    where id is not null and contact_id is not null

),

latest as (

    select max_by(sample_id, drawn_at) as sample_id from typed

)

select typed.*
from typed
inner join latest on typed.sample_id = latest.sample_id
