with companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

links as (

    select * from {{ ref('contact_company_links') }}

),

contact_counts as (

    select
        company_id,
        count(*) as contact_count
    from links
    where status in ('forced', 'auto')
    group by company_id

)

select
    companies.company_id,
    companies.company_name,
    companies.email,
    companies.mobile_phone,
    companies.business_phone,
    companies.street,
    companies.postal_code,
    companies.city,
    companies.state,
    companies.country,
    companies.addresses,
    companies.tags,
    companies.domains,
    companies.custom_fields,
    companies.created_at,
    coalesce(contact_counts.contact_count, 0) as contact_count
from companies
left join contact_counts on companies.company_id = contact_counts.company_id
