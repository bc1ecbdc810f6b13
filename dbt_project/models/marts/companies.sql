with companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

contacts as (

    select * from {{ ref('contacts') }}
    where company_id is not null

),

contact_counts as (

    select
        company_id,
        count(*) as contact_count,
        sum(case when contact_kind = 'member of an organisation' then 1 else 0 end) as member_count,
        sum(case when contact_kind = 'organisation' then 1 else 0 end) as organisation_count,
        sum(case when contact_kind = 'person' then 1 else 0 end) as person_count,
        max(updated_at) as last_contact_change_at
    from contacts
    group by company_id

),

contacts_of_type as (

    select
        company_id,
        contact_type,
        count(*) as contact_count
    from contacts
    where contact_type is not null
    group by company_id, contact_type

),

contact_types as (

    select
        company_id,
        {{ json_object_of('contact_type', 'contact_count') }} as contact_types
    from contacts_of_type
    group by company_id

),

people_counts as (

    select
        company_id,
        count(*) as kizen_contact_count
    from {{ ref('stg_kizen__contacts') }}
    where company_id is not null
    group by company_id

),

deals as (

    select
        company_id,
        is_open,
        amount,
        coalesce(currency, '?') as currency
    from {{ ref('deals') }}
    where company_id is not null

),

deal_counts as (

    select
        company_id,
        count(*) as deal_count,
        sum(case when is_open then 1 else 0 end) as open_deal_count
    from deals
    group by company_id

),

open_amounts as (

    select
        company_id,
        currency,
        sum(amount) as amount
    from deals
    where is_open and amount is not null
    group by company_id, currency

),

open_deal_amounts as (

    select
        company_id,
        {{ json_object_of('currency', 'amount') }} as open_deal_amounts
    from open_amounts
    group by company_id

),

activity_times as (

    select
        company_id,
        max(done_at) as last_activity_at,
        min(due_at) as next_activity_at
    from {{ ref('activities') }}
    where company_id is not null
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
    companies.updated_at,
    coalesce(contact_counts.contact_count, 0) as contact_count,
    cast(coalesce(contact_counts.member_count, 0) as bigint) as member_count,
    cast(coalesce(contact_counts.organisation_count, 0) as bigint) as organisation_count,
    cast(coalesce(contact_counts.person_count, 0) as bigint) as person_count,
    contact_types.contact_types,
    coalesce(people_counts.kizen_contact_count, 0) as kizen_contact_count,
    coalesce(deal_counts.deal_count, 0) as deal_count,
    cast(coalesce(deal_counts.open_deal_count, 0) as bigint) as open_deal_count,
    open_deal_amounts.open_deal_amounts,
    activity_times.last_activity_at,
    activity_times.next_activity_at,
    greatest(
        coalesce(companies.updated_at, companies.created_at, contact_counts.last_contact_change_at),
        coalesce(contact_counts.last_contact_change_at, companies.updated_at, companies.created_at)
    ) as last_changed_at
from companies
left join contact_counts on companies.company_id = contact_counts.company_id
left join contact_types on companies.company_id = contact_types.company_id
left join people_counts on companies.company_id = people_counts.company_id
left join deal_counts on companies.company_id = deal_counts.company_id
left join open_deal_amounts on companies.company_id = open_deal_amounts.company_id
left join activity_times on companies.company_id = activity_times.company_id
