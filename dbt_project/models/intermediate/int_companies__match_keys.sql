with companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

names as (

    select * from {{ ref('int_names__normalised') }}

),

domains as (

    select * from {{ ref('int_hosts__domains') }}

),

hosts as (

    select
        company_id,
        company_name,
        {{ email_host('email') }} as email_host
    from companies

)

select
    hosts.company_id,
    hosts.company_name,
    names.name,
    names.core_name,
    domains.own_domain as email_domain
from hosts
left join names on hosts.company_name = names.written_name
left join domains on hosts.email_host = domains.host
