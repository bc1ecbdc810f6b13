with overrides as (

    select * from {{ ref('int_link_overrides__checked') }}

),

links as (

    select * from {{ ref('contact_company_links') }}

)

select
    overrides.kept_in,
    overrides.contact_id,
    overrides.company_id,
    overrides.decision,
    overrides.author,
    overrides.reason,
    overrides.decided_at,
    overrides.effect,
    links.status as link_status,
    links.company_id as linked_company_id
from overrides
left join links on overrides.contact_id = links.contact_id
