with aliases as (

    select * from {{ ref('int_names__aliases') }}

)

select
    contact_name,
    company_id,
    company_name,
    decided_contacts,
    decision_count,
    last_decided_at,
    affected_contact_count,
    is_active,
    effect
from aliases
