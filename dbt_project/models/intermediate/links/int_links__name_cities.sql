-- Pairs of which one name has the other side's city in it, and nothing else that the other lacks.
with pairs as (

    select * from {{ ref('int_links__pairs') }}

),

contacts as (

    select
        contact_number,
        squeezed_name,
        city
    from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select
        company_number,
        squeezed_name,
        city
    from {{ ref('int_companies__match_keys') }}

),

name_words as (

    select * from {{ ref('int_links__name_words') }}

),

tokens as (

    select * from {{ ref('int_names__tokens') }}

),

-- A name is held against the city of the other side, or its own where the other side gives none.
named as (

    select
        pairs.contact_number,
        pairs.company_number,
        pairs.contact_core,
        pairs.company_core,
        case
            when
                instr(contacts.squeezed_name, coalesce(companies.city, contacts.city)) > 0
                and instr(companies.squeezed_name, coalesce(companies.city, contacts.city)) = 0
                then coalesce(companies.city, contacts.city)
        end as contact_city,
        case
            when
                instr(companies.squeezed_name, coalesce(contacts.city, companies.city)) > 0
                and instr(contacts.squeezed_name, coalesce(contacts.city, companies.city)) = 0
                then coalesce(contacts.city, companies.city)
        end as company_city
    from pairs
    inner join contacts on pairs.contact_number = contacts.contact_number
    inner join companies on pairs.company_number = companies.company_number
    where
        pairs.contact_core <> pairs.company_core
        and length(coalesce(companies.city, contacts.city)) >= 4

),

cities as (

    select
        contact_core as core_number,
        contact_city as city
    from named
    where contact_city is not null

    union

    select
        company_core as core_number,
        company_city as city
    from named
    where company_city is not null

),

city_weights as (

    select
        cities.core_number,
        cities.city,
        cast(sum(tokens.weight) as integer) as weight
    from cities
    inner join tokens on cities.core_number = tokens.core_number
    where length(tokens.token) >= 3 and instr(cities.city, tokens.token) > 0
    group by cities.core_number, cities.city

),

explained as (

    select
        named.contact_number,
        named.company_number,
        case
            when
                name_words.contact_covered_weight
                >= 95 * (name_words.contact_weight - contact_cities.weight)
                then 'rest_of_contact'
            when
                name_words.company_covered_weight
                >= 95 * (name_words.company_weight - company_cities.weight)
                then 'rest_of_company'
        end as city_level
    from named
    inner join name_words
        on
            named.contact_core = name_words.contact_core
            and named.company_core = name_words.company_core
    left join city_weights as contact_cities
        on
            named.contact_core = contact_cities.core_number
            and named.contact_city = contact_cities.city
    left join city_weights as company_cities
        on
            named.company_core = company_cities.core_number
            and named.company_city = company_cities.city
    where
        (contact_cities.weight is not null or company_cities.weight is not null)
        and name_words.rarest_shared_weight > 0

)

select * from explained
where city_level is not null
