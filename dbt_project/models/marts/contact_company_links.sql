with contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

best_agreements as (

    select * from {{ ref('int_links__best_agreements') }}

)

select
    contacts.contact_id,
    case
        when best_agreements.is_unambiguous then best_agreements.first_company_id
    end as company_id,
    case
        when best_agreements.contact_id is null then 'none'
        when best_agreements.is_unambiguous then 'auto'
        else 'review'
    end as status,
    best_agreements.method
from contacts
left join best_agreements on contacts.contact_id = best_agreements.contact_id
