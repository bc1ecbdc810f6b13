with contacts as (

    select * from {{ ref('contacts') }}

),

links as (

    select * from {{ ref('contact_company_links') }}

),

companies as (

    select * from {{ ref('companies') }}

),

people as (

    select
        contact_id,
        kizen_contact_id,
        link_status,
        link_confidence,
        last_activity_at,
        next_activity_at
    from {{ ref('people') }}
    where contact_id is not null

)

select
    contacts.contact_id,
    contacts.contact_kind,
    contacts.contact_type,
    contacts.contact_status,
    contacts.civility,
    contacts.first_name,
    contacts.last_name,
    contacts.full_name,
    contacts.organisation,
    contacts.email as contact_email,
    contacts.phone as contact_phone,
    contacts.mobile as contact_mobile,
    contacts.website as contact_website,
    contacts.street as contact_street,
    contacts.postal_code as contact_postal_code,
    contacts.city as contact_city,
    contacts.country as contact_country,
    contacts.vat_number as contact_vat_number,
    contacts.birth_date,
    contacts.category,
    contacts.entity,
    contacts.family_head,
    contacts.balance,
    contacts.tags as contact_tags,
    contacts.free_fields,
    contacts.created_at as contact_created_at,
    contacts.updated_at as contact_updated_at,
    companies.company_id,
    companies.company_name,
    companies.email as company_email,
    companies.mobile_phone as company_mobile_phone,
    companies.business_phone as company_business_phone,
    companies.street as company_street,
    companies.postal_code as company_postal_code,
    companies.city as company_city,
    companies.state as company_state,
    companies.country as company_country,
    companies.tags as company_tags,
    companies.domains as company_domains,
    companies.custom_fields as company_custom_fields,
    companies.created_at as company_created_at,
    companies.contact_count as company_contact_count,
    companies.open_deal_count as company_open_deal_count,
    companies.last_activity_at as company_last_activity_at,
    links.status as link_status,
    links.tier as link_tier,
    links.score as link_score,
    links.confidence as link_confidence,
    links.reasons as link_reasons,
    people.kizen_contact_id,
    people.link_status as person_link_status,
    people.link_confidence as person_link_confidence,
    people.last_activity_at as person_last_activity_at,
    people.next_activity_at as person_next_activity_at
from contacts
inner join links on contacts.contact_id = links.contact_id
left join companies on contacts.company_id = companies.company_id
left join people on contacts.contact_id = people.contact_id
