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

places as (

    select * from {{ ref('int_places__normalised') }}

),

-- A domain may name a city by its last word: "havre" of Le Havre.
city_names as (

    select city from places

    union

    select
        {{ squeezed_name(regexp_first_group(plain_words('written_city'), '([^ ]+)$')) }} as city
    from places

),

cities as (

    select city from city_names
    where length(city) >= 4

),

compared as (

    select
        pairs.contact_number,
        pairs.company_number,
        pairs.by_colleagues = 1 as is_of_colleagues,
        contacts.squeezed_name as contact_name,
        contacts.first_domain as contact_domain,
        contacts.domain_label,
        contacts.domain_company_count,
        companies.squeezed_name as company_name,
        companies.spelled_name,
        companies.first_word,
        companies.first_words,
        companies.city,
        companies.first_domain as company_domain,
        companies.domain_label as company_label,
        coalesce(contacts.email = companies.email, false) as is_own_email,
        pairs.by_domain = 1
        or coalesce(
            contacts.first_domain in (companies.first_domain, companies.last_domain), false
        ) as has_domain,
        cities.city as named_city
    from pairs
    inner join contacts on pairs.contact_number = contacts.contact_number
    inner join companies on pairs.company_number = companies.company_number
    left join cities
        on
            cities.city = case
                when
                    contacts.domain_company_count is null
                    and companies.first_domain is null
                    and length(companies.spelled_name) >= 4
                    and instr(contacts.domain_label, companies.spelled_name) > 0
                    then substring(
                        contacts.domain_label,
                        instr(contacts.domain_label, companies.spelled_name)
                        + length(companies.spelled_name)
                    )
            end

)

select
    contact_number,
    company_number,
    case
        when is_own_email then 'own_address'
        when has_domain and domain_company_count = 1 then 'own'
        when has_domain then 'shared'
        -- The name and another city: a namesake's domain.
        when instr(city, named_city) = 0 then 'other_city'
        -- Whoever bears the very name brought the domain: it proves nothing more.
        when is_of_colleagues and contact_name = company_name then null
        when
            is_of_colleagues
            and domain_label in (company_name, spelled_name, spelled_name || city)
            then 'spelled_own'
        when is_of_colleagues then 'colleagues'
        when contact_domain is null then null
        when domain_company_count is not null then 'of_other'
        when domain_label = company_label then 'other_ending'
        when company_domain is not null then 'other_own'
        when
            domain_label = company_name
            or instr(city, named_city) > 0
            or (length(spelled_name) >= 4 and domain_label in (spelled_name, spelled_name || city))
            then 'spells_name'
        when
            contact_name is null and length(domain_label) >= 4 and domain_label = first_words
            then 'first_words'
        when
            contact_name is null and length(domain_label) >= 4 and domain_label = first_word
            then 'first_word'
        when
            length(domain_label) >= 5
            and (
                instr(company_name, domain_label) > 0
                or instr(domain_label, company_name) > 0
                or left(domain_label, 6) = left(company_name, 6)
            )
            then 'like_name'
        else 'unlike_name'
    end as domain_level
from compared
