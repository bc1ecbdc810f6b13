with organisations as (

    select contact_id from {{ ref('int_contacts__organisations') }}
    where contact_kind <> 'organisation'

),

contacts as (

    select contacts.*
    from {{ ref('contacts') }} as contacts
    inner join organisations on contacts.contact_id = organisations.contact_id

),

links as (

    select
        contact_id,
        kizen_contact_id,
        status,
        confidence
    from {{ ref('contact_person_links') }}
    where status in ('forced', 'auto')

),

differences as (

    select * from {{ ref('int_persons__differences') }}

),

people as (

    select
        people.*,
        {{ person_name('people') }} as display_name
    from {{ ref('stg_kizen__contacts') }} as people

),

companies as (

    select
        company_id,
        company_name
    from {{ ref('stg_kizen__companies') }}

),

deals as (

    select
        kizen_contact_id,
        sum(case when is_open then 1 else 0 end) as open_deal_count
    from {{ ref('deals') }}
    group by kizen_contact_id

),

activities as (

    select
        kizen_contact_id,
        max(done_at) as last_activity_at,
        min(due_at) as next_activity_at
    from {{ ref('activities') }}
    group by kizen_contact_id

),

linked as (

    select
        contact_id,
        kizen_contact_id,
        status,
        confidence
    from links

    union all

    select
        contacts.contact_id,
        cast(null as string) as kizen_contact_id,
        cast(null as string) as status,
        cast(null as decimal(4, 3)) as confidence
    from contacts
    left join links on contacts.contact_id = links.contact_id
    where links.contact_id is null

    union all

    select
        cast(null as string) as contact_id,
        people.kizen_contact_id,
        cast(null as string) as status,
        cast(null as decimal(4, 3)) as confidence
    from people
    left join links on people.kizen_contact_id = links.kizen_contact_id
    where links.kizen_contact_id is null

)

select
    coalesce('kananas:' || linked.contact_id, 'kizen:' || linked.kizen_contact_id) as person_key,
    linked.contact_id,
    linked.kizen_contact_id,
    case
        when linked.contact_id is null then 'Kizen'
        when linked.kizen_contact_id is null then 'Kananas'
        else 'both'
    end as known_to,
    linked.status as link_status,
    linked.confidence as link_confidence,
    coalesce(contacts.first_name, people.first_name) as first_name,
    coalesce(contacts.last_name, people.last_name) as last_name,
    coalesce(contacts.full_name, people.display_name) as full_name,
    contacts.email as kananas_email,
    people.email as kizen_email,
    differences.email_differs,
    contacts.phone as kananas_phone,
    contacts.mobile as kananas_mobile,
    people.business_phone as kizen_business_phone,
    people.mobile_phone as kizen_mobile_phone,
    people.home_phone as kizen_home_phone,
    differences.phone_differs,
    contacts.street as kananas_street,
    contacts.postal_code as kananas_postal_code,
    contacts.city as kananas_city,
    people.street as kizen_street,
    people.postal_code as kizen_postal_code,
    people.city as kizen_city,
    differences.address_differs,
    contacts.birth_date as kananas_birth_date,
    people.birth_date as kizen_birth_date,
    differences.birth_date_differs,
    contacts.company_id as contact_company_id,
    contacts.company_name as contact_company_name,
    people.company_id as kizen_company_id,
    coalesce(companies.company_name, people.company_name) as kizen_company_name,
    cast(coalesce(deals.open_deal_count, 0) as bigint) as open_deal_count,
    activities.last_activity_at,
    activities.next_activity_at
from linked
left join contacts on linked.contact_id = contacts.contact_id
left join people on linked.kizen_contact_id = people.kizen_contact_id
left join companies on people.company_id = companies.company_id
left join differences on linked.contact_id = differences.contact_id
left join deals on linked.kizen_contact_id = deals.kizen_contact_id
left join activities on linked.kizen_contact_id = activities.kizen_contact_id
