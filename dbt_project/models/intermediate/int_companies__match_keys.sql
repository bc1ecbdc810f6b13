with companies as (

    select * from {{ ref('stg_kizen__companies') }}

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
        company_id,
        min(phone) as first_phone,
        nullif(max(phone), min(phone)) as last_phone
    from {{ ref('int_companies__phones') }}
    group by company_id

),

domains as (

    select
        company_id,
        min(domain) as first_domain,
        nullif(max(domain), min(domain)) as last_domain
    from {{ ref('int_companies__domains') }}
    group by company_id

),

keyed as (

    select
        companies.company_id,
        companies.company_name,
        names.form_kind,
        cores.core_number,
        cores.squeezed_name,
        cores.digits as name_digits,
        cores.initials,
        cores.full_initials,
        cores.long_initials,
        cores.spelled_name,
        cores.first_word,
        cores.first_words,
        token_sums.token_norm,
        token_sums.heaviest_weight,
        lower(companies.email) as email,
        domains.first_domain,
        domains.last_domain,
        {{ domain_label('domains.first_domain') }} as domain_label,
        phones.first_phone,
        phones.last_phone,
        vat_numbers.vat_number,
        streets.house_number,
        streets.street_name,
        streets.street_token,
        {{ postal_key('companies.postal_code') }} as postal_code,
        places.city,
        places.country
    from companies
    left join names on companies.company_name = names.written_name
    left join cores on names.core_name = cores.core_name
    left join token_sums on cores.core_number = token_sums.core_number
    left join domains on companies.company_id = domains.company_id
    left join phones on companies.company_id = phones.company_id
    left join streets on companies.street = streets.written_street
    left join vat_numbers on companies.vat_number = vat_numbers.written_vat_number
    left join places
        on
            coalesce(companies.city, '') = places.written_city
            and coalesce(companies.country, '') = places.written_country

),

numbered as (

    {{ numbered_rows('keyed', ['company_id'], 'company_number') }}

),

neighbours as (

    select
        street_token,
        city,
        count(*) as company_count
    from keyed
    where street_token is not null and city is not null
    group by street_token, city

)

select
    numbered.*,
    neighbours.company_count as street_company_count
from numbered
left join neighbours
    on
        numbered.street_token = neighbours.street_token
        and numbered.city = neighbours.city
