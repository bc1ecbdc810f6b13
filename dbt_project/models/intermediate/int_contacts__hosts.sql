with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

hosts as (

    select
        contact_id,
        {{ email_host('email') }} as host
    from contacts

    union all

    select
        contact_id,
        {{ website_host('website') }} as host
    from contacts

)

select distinct
    contact_id,
    host
from hosts
where {{ is_complete_host('host') }}
