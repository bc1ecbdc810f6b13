with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

other_addresses as (

    select * from {{ ref('int_companies__other_addresses') }}

),

country_names as (

    select * from {{ ref('country_names') }}

),

city_names as (

    select * from {{ ref('city_names') }}

),

written as (

    select
        coalesce(city, '') as written_city,
        coalesce(country, '') as written_country
    from contacts

    union

    select
        coalesce(city, '') as written_city,
        coalesce(country, '') as written_country
    from companies

    union

    select
        coalesce(city, '') as written_city,
        coalesce(country, '') as written_country
    from other_addresses

),

prepared as (

    select
        written_city,
        written_country,
        {{ city_key('written_city') }} as city,
        {{ plain_words('written_country') }} as country_name
    from written

),

with_countries as (

    select
        prepared.written_city,
        prepared.written_country,
        prepared.city,
        country_names.country_code as country
    from prepared
    left join country_names on prepared.country_name = country_names.country_name

)

select
    places.written_city,
    places.written_country,
    coalesce(city_names.city, places.city) as city,
    places.country
from with_countries as places
left join city_names
    on
        places.city = city_names.city_name
        and (city_names.country_code is null or places.country = city_names.country_code)
