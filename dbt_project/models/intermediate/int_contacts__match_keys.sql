with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

organisations as (

    select * from {{ ref('int_contacts__organisations') }}

),

names as (

    select * from {{ ref('int_names__normalised') }}

),

domains as (

    select * from {{ ref('int_hosts__domains') }}

),

hosts as (

    select
        contact_id,
        {{ email_host('email') }} as email_host,
        {{ website_host('website') }} as website_host
    from contacts

)

select
    organisations.contact_id,
    organisations.contact_kind,
    organisations.organisation_name,
    names.name,
    names.core_name,
    email_domains.own_domain as email_domain,
    website_domains.own_domain as website_domain
from organisations
inner join hosts on organisations.contact_id = hosts.contact_id
left join names on organisations.organisation_name = names.written_name
left join domains as email_domains on hosts.email_host = email_domains.host
left join domains as website_domains on hosts.website_host = website_domains.host
