{%- set signals = {
    'organisation name': 'name is not null',
    'own domain': 'has_domain',
    'phone': 'has_phone',
    'VAT number': 'vat_number is not null',
    'street': 'street_name is not null',
    'city or postal code': 'city is not null or postal_code is not null',
    'name, own domain, phone or VAT number':
        'name is not null or has_domain or has_phone or vat_number is not null',
    'none of these': 'name is null and not has_domain and not has_phone and vat_number is null',
} -%}

with match_keys_of_contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

contact_domains as (

    select distinct contact_id from {{ ref('int_contacts__domains') }}

),

contact_phones as (

    select distinct contact_id from {{ ref('int_contacts__phones') }}

),

match_keys_of_companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

company_domains as (

    select distinct company_id from {{ ref('int_companies__domains') }}

),

company_phones as (

    select distinct company_id from {{ ref('int_companies__phones') }}

),

contacts as (

    select
        match_keys.*,
        contact_domains.contact_id is not null as has_domain,
        contact_phones.contact_id is not null as has_phone
    from match_keys_of_contacts as match_keys
    left join contact_domains on match_keys.contact_id = contact_domains.contact_id
    left join contact_phones on match_keys.contact_id = contact_phones.contact_id

),

companies as (

    select
        match_keys.*,
        company_domains.company_id is not null as has_domain,
        company_phones.company_id is not null as has_phone
    from match_keys_of_companies as match_keys
    left join company_domains on match_keys.company_id = company_domains.company_id
    left join company_phones on match_keys.company_id = company_phones.company_id

),

contact_signals as (

    {% for signal, condition in signals.items() %}
        select
            {{ loop.index }} as place,
            '{{ signal }}' as signal,
            count(*) as record_count,
            count(case when {{ condition }} then 1 end) as signal_count
        from contacts
        {%- if not loop.last %}

            union all
        {% endif %}
    {%- endfor %}

),

company_signals as (

    {% for signal, condition in signals.items() %}
        select
            {{ loop.index }} as place,
            '{{ signal }}' as signal,
            count(*) as record_count,
            count(case when {{ condition }} then 1 end) as signal_count
        from companies
        {%- if not loop.last %}

            union all
        {% endif %}
    {%- endfor %}

),

shares as (

    select
        contact_signals.place,
        contact_signals.signal,
        contact_signals.signal_count as contact_count,
        cast(contact_signals.signal_count as double)
        / nullif(contact_signals.record_count, 0) as contact_share,
        company_signals.signal_count as company_count,
        cast(company_signals.signal_count as double)
        / nullif(company_signals.record_count, 0) as company_share
    from contact_signals
    inner join company_signals on contact_signals.place = company_signals.place

)

select
    place,
    signal,
    contact_count,
    contact_share,
    company_count,
    company_share
from shares
