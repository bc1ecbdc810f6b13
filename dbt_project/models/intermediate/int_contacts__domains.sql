with contact_hosts as (

    select * from {{ ref('int_contacts__hosts') }}

),

domains as (

    select * from {{ ref('int_hosts__domains') }}

)

select distinct
    contact_hosts.contact_id,
    domains.own_domain as domain
from contact_hosts
inner join domains on contact_hosts.host = domains.host
where domains.own_domain is not null
