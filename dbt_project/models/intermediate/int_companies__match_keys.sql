with companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

names as (

    select * from {{ ref('int_names__normalised') }}

),

cores as (

    select * from {{ ref('int_names__cores') }}

),

countries as (

    select * from {{ ref('country_names') }}

),

streets as (

    select * from {{ ref('int_streets__normalised') }}

),

prepared as (

    select
        company_id,
        company_name,
        street,
        {{ email_key('email') }} as email,
        {{ vat_key('vat_number') }} as vat_number,
        {{ city_key('city') }} as city,
        {{ postal_key('postal_code') }} as postal_code,
        {{ plain_words('country') }} as country_name
    from companies

)

select
    prepared.company_id,
    prepared.company_name,
    names.name,
    names.core_name,
    cores.squeezed_name,
    cores.digits as name_digits,
    cores.token_norm,
    prepared.email,
    prepared.vat_number,
    streets.house_number,
    streets.street_name,
    streets.street_token,
    prepared.postal_code,
    prepared.city,
    countries.country_code as country
from prepared
left join names on prepared.company_name = names.written_name
left join cores on names.core_name = cores.core_name
left join streets on prepared.street = streets.written_street
left join countries on prepared.country_name = countries.country_name
