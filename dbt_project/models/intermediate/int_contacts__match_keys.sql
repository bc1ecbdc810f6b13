with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

organisations as (

    select * from {{ ref('int_contacts__organisations') }}

),

names as (

    select * from {{ ref('int_names__normalised') }}

),

cores as (

    select * from {{ ref('int_names__cores') }}

),

token_sums as (

    {{ token_sums(ref('int_names__tokens')) }}

),

places as (

    select * from {{ ref('int_places__normalised') }}

),

streets as (

    select * from {{ ref('int_streets__normalised') }}

),

vat_numbers as (

    select * from {{ ref('int_vat_numbers__checked') }}

),

phones as (

    select
        contact_id,
        min(phone) as first_phone,
        nullif(max(phone), min(phone)) as last_phone,
        bool_or(not is_mobile) as has_land_line
    from {{ ref('int_contacts__phones') }}
    group by contact_id

),

domain_holders as (

    select
        domain,
        count(*) as company_count
    from {{ ref('int_companies__domains') }}
    group by domain

),

domains as (

    select
        domains.contact_id,
        min(domains.domain) as first_domain,
        min(domain_holders.company_count) as domain_company_count
    from {{ ref('int_contacts__domains') }} as domains
    left join domain_holders on domains.domain = domain_holders.domain
    group by domains.contact_id

),

keyed as (

    select
        contacts.contact_id,
        organisations.contact_kind,
        organisations.organisation_name,
        names.form_kind,
        cores.core_number,
        cores.squeezed_name,
        cores.digits as name_digits,
        cores.initials,
        cores.full_initials,
        cores.long_initials,
        token_sums.token_norm,
        token_sums.heaviest_weight,
        lower(contacts.email) as email,
        domains.first_domain,
        {{ domain_label('domains.first_domain') }} as domain_label,
        domains.domain_company_count,
        phones.first_phone,
        phones.last_phone,
        phones.has_land_line,
        vat_numbers.vat_number,
        streets.house_number,
        streets.street_name,
        streets.street_token,
        {{ postal_key('contacts.postal_code') }} as postal_code,
        places.city,
        places.country
    from contacts
    inner join organisations on contacts.contact_id = organisations.contact_id
    left join names on organisations.organisation_name = names.written_name
    left join cores on names.core_name = cores.core_name
    left join token_sums on cores.core_number = token_sums.core_number
    left join domains on contacts.contact_id = domains.contact_id
    left join phones on contacts.contact_id = phones.contact_id
    left join streets on contacts.street = streets.written_street
    left join vat_numbers on contacts.vat_number = vat_numbers.written_vat_number
    left join places
        on
            coalesce(contacts.city, '') = places.written_city
            and coalesce(contacts.country, '') = places.written_country

)

{{ numbered_rows('keyed', ['contact_id'], 'contact_number') }}
