-- One row per candidate: the level of each feature, and null where a side says nothing.
with pairs as (

    select * from {{ ref('int_links__pairs') }}

),

contacts as (

    select
        contact_number,
        contact_id,
        contact_kind,
        squeezed_name,
        form_kind,
        city
    from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select
        company_number,
        company_id,
        squeezed_name,
        form_kind,
        city,
        vat_number
    from {{ ref('int_companies__match_keys') }}

),

contact_vat_numbers as (

    select
        contact_number,
        vat_number
    from {{ ref('int_contacts__match_keys') }}
    where vat_number is not null

),

name_scores as (

    select * from {{ ref('int_links__name_scores') }}

),

name_cities as (

    select * from {{ ref('int_links__name_cities') }}

),

decided_names as (

    select * from {{ ref('int_links__decided_names') }}

),

domain_levels as (

    select * from {{ ref('int_links__domain_levels') }}

),

phone_levels as (

    select * from {{ ref('int_links__phone_levels') }}

),

place_levels as (

    select * from {{ ref('int_links__place_levels') }}

),

person_companies as (

    select * from {{ ref('int_links__person_companies') }}

),

employed as (

    select distinct contact_number from person_companies
    where person_level = 'primary'

)

select
    pairs.contact_number,
    pairs.company_number,
    contacts.contact_id,
    companies.company_id,
    case when decided_names.name_level is null then pairs.contact_core end as contact_core,
    pairs.company_core,
    coalesce(decided_names.name_level, name_scores.name_level) as name_level,
    coalesce(decided_names.name_score, name_scores.name_score) as name_score,
    case
        when contacts.form_kind = companies.form_kind then 'same'
        when
            contacts.form_kind in ('association', 'federation', 'foundation')
            or companies.form_kind in ('association', 'federation', 'foundation')
            then case when contacts.form_kind <> companies.form_kind then 'other_kind' end
        when contacts.form_kind <> companies.form_kind then 'another'
    end as form_level,
    case
        when
            decided_names.name_level is not null
            or contacts.squeezed_name = companies.squeezed_name
            then null
        when
            contacts.squeezed_name
            in (companies.squeezed_name || companies.city, companies.squeezed_name || contacts.city)
            or companies.squeezed_name
            in (contacts.squeezed_name || companies.city, contacts.squeezed_name || contacts.city)
            then 'added'
        when name_cities.city_level is not null then name_cities.city_level
        when
            length(companies.city) >= 4 and instr(contacts.squeezed_name, companies.city) > 0
            then 'of_company'
        when
            length(contacts.city) >= 4 and instr(companies.squeezed_name, contacts.city) > 0
            then 'of_contact'
    end as name_city_level,
    coalesce(
        person_companies.person_level,
        case when employed.contact_number is not null then 'of_other' end
    ) as person_level,
    domain_levels.domain_level,
    phone_levels.phone_level,
    case
        when contact_vat_numbers.vat_number = companies.vat_number then 'equal'
        when contact_vat_numbers.vat_number <> companies.vat_number then 'differ'
    end as vat_level,
    place_levels.address_level,
    place_levels.city_level,
    -- Whom the CRM gives a company may live across a border.
    case
        when person_companies.person_level is not null and place_levels.country_level = 'differ'
            then 'home_differs'
        else place_levels.country_level
    end as country_level,
    -- A member has a phone and an address of their own, an organisation those that it is found by.
    case
        when contacts.contact_kind <> 'organisation' then null
        when
            phone_levels.phone_level in ('differ', 'other_line')
            and place_levels.address_level in ('differ', 'number')
            then 'other'
        when
            phone_levels.phone_level in ('differ', 'other_line')
            and place_levels.address_level is null
            then 'other_phone'
        when
            place_levels.address_level in ('differ', 'number')
            and phone_levels.phone_level is null
            then 'other_address'
    end as office_level
from pairs
inner join contacts on pairs.contact_number = contacts.contact_number
inner join companies on pairs.company_number = companies.company_number
inner join domain_levels
    on
        pairs.contact_number = domain_levels.contact_number
        and pairs.company_number = domain_levels.company_number
inner join phone_levels
    on
        pairs.contact_number = phone_levels.contact_number
        and pairs.company_number = phone_levels.company_number
inner join place_levels
    on
        pairs.contact_number = place_levels.contact_number
        and pairs.company_number = place_levels.company_number
left join person_companies
    on
        pairs.contact_number = person_companies.contact_number
        and pairs.company_number = person_companies.company_number
left join employed on pairs.contact_number = employed.contact_number
left join contact_vat_numbers on pairs.contact_number = contact_vat_numbers.contact_number
left join decided_names
    on
        pairs.contact_number = decided_names.contact_number
        and pairs.company_number = decided_names.company_number
left join name_cities
    on
        pairs.contact_number = name_cities.contact_number
        and pairs.company_number = name_cities.company_number
left join name_scores
    on
        pairs.contact_core = name_scores.contact_core
        and pairs.company_core = name_scores.company_core
