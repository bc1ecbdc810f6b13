with addresses as (

    select * from {{ ref('int_companies__other_addresses') }}

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

places as (

    select * from {{ ref('int_places__normalised') }}

),

streets as (

    select * from {{ ref('int_streets__normalised') }}

),

keyed as (

    select
        companies.company_number,
        companies.squeezed_name,
        addresses.address_position,
        streets.house_number,
        streets.street_name,
        streets.street_token,
        {{ postal_key('addresses.postal_code') }} as postal_code,
        places.city,
        places.country
    from addresses
    inner join companies on addresses.company_id = companies.company_id
    left join streets on addresses.street = streets.written_street
    left join places
        on
            coalesce(addresses.city, '') = places.written_city
            and coalesce(addresses.country, '') = places.written_country

),

streets_with_companies as (

    select
        street_token,
        city,
        company_number
    from companies
    where street_token is not null and city is not null

    union

    select
        street_token,
        city,
        company_number
    from keyed
    where street_token is not null and city is not null

),

neighbours as (

    select
        street_token,
        city,
        count(*) as company_count
    from streets_with_companies
    group by street_token, city

)

select
    keyed.*,
    neighbours.company_count as street_company_count
from keyed
left join neighbours
    on
        keyed.street_token = neighbours.street_token
        and keyed.city = neighbours.city
