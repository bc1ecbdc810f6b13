with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

domains as (

    select * from {{ ref('int_hosts__domains') }}

),

hosts as (

    select
        contact_id,
        {{ email_host('email') }} as host
    from contacts

    union

    select
        contact_id,
        {{ website_host('website') }} as host
    from contacts

)

select distinct
    hosts.contact_id,
    domains.own_domain as domain
from hosts
inner join domains on hosts.host = domains.host
where domains.own_domain is not null
