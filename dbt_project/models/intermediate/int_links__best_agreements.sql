with contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

company_domains as (

    select * from {{ ref('int_companies__domains') }}

),

contact_domains as (

    select
        contact_id,
        email_domain as domain
    from contacts
    where email_domain is not null

    union

    select
        contact_id,
        website_domain as domain
    from contacts
    where website_domain is not null

),

-- One row per company and way of recognising it, the surest first. Of the companies behind a key
-- only the extremes are kept, so that a name or domain that many share costs no more than another.
company_keys as (

    select
        1 as precedence,
        companies.company_id,
        companies.name,
        company_domains.domain
    from companies
    inner join company_domains on companies.company_id = company_domains.company_id
    where companies.name is not null

    union all

    select
        2 as precedence,
        companies.company_id,
        companies.core_name as name,
        company_domains.domain
    from companies
    inner join company_domains on companies.company_id = company_domains.company_id
    where companies.core_name is not null

    union all

    select
        3 as precedence,
        company_id,
        name,
        '' as domain
    from companies
    where name is not null

    union all

    select
        4 as precedence,
        company_id,
        core_name as name,
        '' as domain
    from companies
    where core_name is not null

    union all

    select
        5 as precedence,
        company_id,
        '' as name,
        domain
    from company_domains

),

known_keys as (

    select
        precedence,
        name,
        domain,
        min(company_id) as first_company_id,
        max(company_id) as last_company_id
    from company_keys
    group by precedence, name, domain

),

contact_keys as (

    select
        1 as precedence,
        contacts.contact_id,
        contacts.name,
        contact_domains.domain
    from contacts
    inner join contact_domains on contacts.contact_id = contact_domains.contact_id
    where contacts.name is not null

    union all

    select
        2 as precedence,
        contacts.contact_id,
        contacts.core_name as name,
        contact_domains.domain
    from contacts
    inner join contact_domains on contacts.contact_id = contact_domains.contact_id
    where contacts.core_name is not null

    union all

    select
        3 as precedence,
        contact_id,
        name,
        '' as domain
    from contacts
    where name is not null

    union all

    select
        4 as precedence,
        contact_id,
        core_name as name,
        '' as domain
    from contacts
    where core_name is not null

    union all

    select
        5 as precedence,
        contact_id,
        '' as name,
        domain
    from contact_domains

),

agreements as (

    select
        contact_keys.contact_id,
        contact_keys.precedence,
        min(known_keys.first_company_id) as first_company_id,
        max(known_keys.last_company_id) as last_company_id
    from contact_keys
    inner join known_keys
        on
            contact_keys.precedence = known_keys.precedence
            and contact_keys.name = known_keys.name
            and contact_keys.domain = known_keys.domain
    group by contact_keys.contact_id, contact_keys.precedence

),

ranked as (

    select
        *,
        row_number() over (partition by contact_id order by precedence) as agreement_rank
    from agreements

)

select
    contact_id,
    case
        when precedence in (1, 2) then 'name and domain'
        when precedence in (3, 4) then 'name'
        else 'domain'
    end as method,
    first_company_id = last_company_id as is_unambiguous,
    first_company_id,
    last_company_id
from ranked
where agreement_rank = 1
