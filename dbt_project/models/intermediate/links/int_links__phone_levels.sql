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

land_lines as (

    select * from {{ ref('int_links__land_lines') }}

)

select
    pairs.contact_number,
    pairs.company_number,
    case
        when contacts.first_phone is null or companies.first_phone is null then null
        when
            contacts.first_phone in (companies.first_phone, companies.last_phone)
            or contacts.last_phone in (companies.first_phone, companies.last_phone)
            then 'equal'
        when pairs.by_office = 1 then 'same_office'
        -- A mobile number is its owner's: none of the company's is expected to be it.
        when contacts.has_land_line and land_lines.are_of_offices then 'other_line'
        else 'differ'
    end as phone_level
from pairs
inner join contacts on pairs.contact_number = contacts.contact_number
inner join companies on pairs.company_number = companies.company_number
cross join land_lines
