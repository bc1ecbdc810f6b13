with company_hosts as (

    select * from {{ ref('int_companies__hosts') }}

),

domains as (

    select * from {{ ref('int_hosts__domains') }}

)

select distinct
    company_hosts.company_id,
    domains.own_domain as domain
from company_hosts
inner join domains on company_hosts.host = domains.host
where domains.own_domain is not null
