with overrides as (

    select * from {{ ref('int_person_overrides__checked') }}

),

links as (

    select * from {{ ref('contact_person_links') }}

)

select
    overrides.kept_in,
    overrides.contact_id,
    overrides.kizen_contact_id,
    overrides.decision,
    overrides.author,
    overrides.reason,
    overrides.decided_at,
    overrides.effect,
    links.status as link_status,
    links.kizen_contact_id as linked_kizen_contact_id
from overrides
left join links on overrides.contact_id = links.contact_id
