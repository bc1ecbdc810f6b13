{{ config(materialized='view') }}

with pair_points as (

    select * from {{ ref('int_links__pair_points') }}

),

contacts as (

    select
        contact_number,
        contact_id
    from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select
        company_number,
        company_id
    from {{ ref('int_companies__match_keys') }}

)

select
    contacts.contact_id,
    companies.company_id,
    pair_points.name_level,
    pair_points.name_points,
    pair_points.vat_level,
    pair_points.vat_points,
    pair_points.domain_level,
    pair_points.domain_points,
    pair_points.phone_level,
    pair_points.phone_points,
    pair_points.address_level,
    pair_points.address_points,
    pair_points.city_level,
    pair_points.city_points,
    pair_points.country_level,
    pair_points.country_points,
    pair_points.score
from pair_points
inner join contacts on pair_points.contact_number = contacts.contact_number
inner join companies on pair_points.company_number = companies.company_number
