with contact_hosts as (

    select * from {{ ref('int_contacts__hosts') }}

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

distinct_hosts as (

    select host from contact_hosts

    union

    select host from company_hosts

),

-- A suffix is looked up by what a host may end in: comparing each host with each suffix would cost
-- hosts times suffixes. "*" stands for any first label.
endings as (

    {% for labels in range(2, 5) %}
        {%- set rest = '[.][^.]+' * (labels - 1) ~ ')$' %}
        select
            host,
            {{ labels }} as labels,
            {{ regexp_first_group('host', '([^.]+' ~ rest) }} as ending
        from distinct_hosts

        union all

        select
            host,
            {{ labels }} as labels,
            '*' || {{ regexp_first_group('host', '[^.](' ~ rest) }} as ending
        from distinct_hosts
        {%- if not loop.last %}

            union all
        {% endif %}
    {%- endfor %}

),

-- The algorithm of the Public Suffix List: an exception is no suffix, what follows its first label
-- is; else the longest rule holds; else the last label is the suffix.
suffix_lengths as (

    select
        endings.host,
        coalesce(
            max(case when public_suffixes.is_exception then endings.labels - 1 end),
            max(endings.labels)
        ) as labels
    from endings
    inner join public_suffixes on endings.ending = public_suffixes.suffix
    group by endings.host

),

registrable as (

    select
        distinct_hosts.host,
        nullif(
            case coalesce(suffix_lengths.labels, 1)
                {%- for labels in range(1, 5) %}
                    {%- set pattern = '([^.]+' ~ '[.][^.]+' * labels ~ ')$' %}
                    when {{ labels }} then {{ regexp_first_group('distinct_hosts.host', pattern) }}
                {%- endfor %}
            end,
            ''
        ) as registrable_domain
    from distinct_hosts
    left join suffix_lengths on distinct_hosts.host = suffix_lengths.host

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
