with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

organisations as (

    select * from {{ ref('int_contacts__organisations') }}

),

-- A proposal is no link.
links as (

    select
        *,
        case when status in ('forced', 'auto') then company_id end as linked_company_id
    from {{ ref('contact_company_links') }}

),

companies as (

    select * from {{ ref('stg_kizen__companies') }}

)

select
    contacts.contact_id,
    organisations.contact_kind,
    contacts.contact_type,
    contacts.civility,
    contacts.first_name,
    contacts.last_name,
    contacts.full_name,
    contacts.organisation,
    contacts.email,
    contacts.phone,
    contacts.mobile,
    contacts.street,
    contacts.postal_code,
    contacts.city,
    contacts.country,
    contacts.website,
    contacts.vat_number,
    contacts.birth_date,
    contacts.contact_status,
    contacts.category,
    contacts.entity,
    contacts.family_head,
    contacts.balance,
    contacts.tags,
    contacts.free_fields,
    contacts.created_at,
    contacts.updated_at,
    companies.company_id,
    companies.company_name,
    links.status as link_status,
    links.tier as link_tier,
    links.confidence as link_confidence
from contacts
inner join organisations on contacts.contact_id = organisations.contact_id
left join links on contacts.contact_id = links.contact_id
left join companies on links.linked_company_id = companies.company_id
