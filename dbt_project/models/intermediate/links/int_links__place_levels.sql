{{ config(materialized='view') }}

with pairs as (

    select * from {{ ref('int_links__pairs') }}

),

contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

other_places as (

    select * from {{ ref('int_companies__other_places') }}

),

countries as (

    select
        country,
        count(*) as company_count
    from companies
    where country is not null
    group by country

),

country_totals as (

    select sum(company_count) as company_count from countries

),

-- That two are of the country that most are of says little.
common_countries as (

    select countries.country
    from countries
    cross join country_totals
    where countries.company_count * 3 > country_totals.company_count

),

first_places as (

    select
        pairs.contact_number,
        pairs.company_number,
        contacts.country,
        {{ place_levels('contacts', 'companies') }}
    from pairs
    inner join contacts on pairs.contact_number = contacts.contact_number
    inner join companies on pairs.company_number = companies.company_number

),

-- Most companies have one address: those of others are compared beside.
other_levels as (

    select
        pairs.contact_number,
        pairs.company_number,
        other_places.address_position,
        {{ place_levels('contacts', 'other_places') }}
    from other_places
    inner join pairs on other_places.company_number = pairs.company_number
    inner join contacts on pairs.contact_number = contacts.contact_number

),

other_ranks as (

    select
        *,
        {{ place_rank() }} as place_rank
    from other_levels

),

best_others as (

    select
        *,
        row_number() over (
            partition by contact_number, company_number
            order by place_rank desc, address_position asc
        ) as place
    from other_ranks

),

first_ranks as (

    select
        *,
        {{ place_rank() }} as place_rank
    from first_places

),

compared as (

    select
        first_ranks.*,
        others.address_level as other_address_level,
        others.city_level as other_city_level,
        others.country_level as other_country_level,
        coalesce(others.place_rank > first_ranks.place_rank, false) as is_elsewhere
    from first_ranks
    left join best_others as others
        on
            first_ranks.contact_number = others.contact_number
            and first_ranks.company_number = others.company_number
            and others.place = 1

),

chosen as (

    select
        contact_number,
        company_number,
        country,
        case when is_elsewhere then other_address_level else address_level end as address_level,
        case when is_elsewhere then other_city_level else city_level end as city_level,
        case when is_elsewhere then other_country_level else country_level end as country_level
    from compared

)

select
    chosen.contact_number,
    chosen.company_number,
    chosen.address_level,
    chosen.city_level,
    case
        when chosen.country_level = 'same' and common_countries.country is null then 'same_rare'
        else chosen.country_level
    end as country_level
from chosen
left join common_countries on chosen.country = common_countries.country
