with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

company_hosts as (

    select * from {{ ref('int_companies__hosts') }}

),

public_suffixes as (

    select * from {{ ref('public_suffixes') }}

),

free_mail_domains as (

    select * from {{ ref('free_mail_domains') }}

),

platform_domains as (

    select * from {{ ref('platform_domains') }}

),

hosts as (

    select {{ email_host('email') }} as host from contacts

    union

    select {{ website_host('website') }} as host from contacts

    union

    select host from company_hosts

),

labelled as (

    select
        host,
        {{ regexp_first_group('host', '([^.]+[.][^.]+)$') }} as last_two_labels,
        {{ regexp_first_group('host', '([^.]+[.][^.]+[.][^.]+)$') }} as last_three_labels
    from hosts
    where host is not null

),

registrable as (

    select
        labelled.host,
        case
            when public_suffixes.suffix is null then labelled.last_two_labels
            else nullif(labelled.last_three_labels, '')
        end as registrable_domain
    from labelled
    left join public_suffixes on labelled.last_two_labels = public_suffixes.suffix

),

shared_domains as (

    select domain from free_mail_domains

    union

    select domain from platform_domains

)

select
    registrable.host,
    registrable.registrable_domain,
    case
        when shared_hosts.domain is null and shared_domains.domain is null
            then registrable.registrable_domain
    end as own_domain
from registrable
left join shared_domains as shared_hosts on registrable.host = shared_hosts.domain
left join shared_domains on registrable.registrable_domain = shared_domains.domain
