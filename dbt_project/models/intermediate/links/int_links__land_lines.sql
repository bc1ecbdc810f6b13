{{ config(materialized='view') }}

with contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

-- Contacts that are a company's by its name and its domain.
sure_pairs as (

    select
        contacts.first_phone as contact_phone,
        contacts.last_phone as other_contact_phone,
        companies.first_phone as company_phone,
        companies.last_phone as other_company_phone
    from contacts
    inner join companies
        on
            contacts.squeezed_name = companies.squeezed_name
            and contacts.first_domain = companies.first_domain
    where contacts.has_land_line and companies.first_phone is not null

),

counts as (

    select
        count(*) as pair_count,
        count(
            case
                when
                    left(contact_phone, 6)
                    in (left(company_phone, 6), left(other_company_phone, 6))
                    or left(other_contact_phone, 6)
                    in (left(company_phone, 6), left(other_company_phone, 6))
                    then 1
            end
        ) as office_count
    from sure_pairs

)

select
    pair_count,
    office_count,
    pair_count >= 10 and 3 * office_count >= 2 * pair_count as are_of_offices
from counts
