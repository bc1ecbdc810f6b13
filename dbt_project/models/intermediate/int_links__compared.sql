{{ config(materialized='view') }}

with candidates as (

    select * from {{ ref('int_links__candidates') }}

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

tokens as (

    select * from {{ ref('int_names__tokens') }}

),

land_lines as (

    select * from {{ ref('int_links__land_lines') }}

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

contact_cores as (

    select
        contact_number,
        core_number
    from {{ ref('int_contacts__match_keys') }}

),

company_cores as (

    select
        company_number,
        core_number
    from {{ ref('int_companies__match_keys') }}

),

candidate_cores as (

    select
        candidates.contact_number,
        candidates.company_number,
        candidates.by_domain,
        candidates.by_colleagues,
        candidates.by_office,
        contact_cores.core_number as contact_core,
        company_cores.core_number as company_core
    from candidates
    inner join contact_cores on candidates.contact_number = contact_cores.contact_number
    inner join company_cores on candidates.company_number = company_cores.company_number

),

-- A slip of the finger is made once; what several contacts write is likely to be a name.
spellings as (

    select
        core_number,
        count(*) as contact_count
    from contact_cores
    where core_number is not null
    group by core_number

),

name_pairs as (

    select distinct
        contact_core,
        company_core
    from candidate_cores
    where contact_core <> company_core

),

-- The outer join keeps engines from joining the words of all names with each other first.
shared_tokens as (

    select
        name_pairs.contact_core,
        name_pairs.company_core,
        cast(sum(company_tokens.weight * company_tokens.weight) as bigint)
            as shared_norm
    from name_pairs
    inner join tokens as contact_tokens on name_pairs.contact_core = contact_tokens.core_number
    left join tokens as company_tokens
        on
            name_pairs.company_core = company_tokens.core_number
            and contact_tokens.token_number = company_tokens.token_number
    group by name_pairs.contact_core, name_pairs.company_core

),

-- Most companies have one address: those of others are compared beside.
other_levels as (

    select
        candidates.contact_number,
        candidates.company_number,
        other_places.address_position,
        {{ place_levels('contacts', 'other_places') }}
    from other_places
    inner join candidates on other_places.company_number = candidates.company_number
    inner join contacts on candidates.contact_number = contacts.contact_number

),

other_ranks as (

    select
        *,
        {{ place_rank() }} as place_rank
    from other_levels

),

ranked_places as (

    select
        *,
        row_number() over (
            partition by contact_number, company_number
            order by place_rank desc, address_position asc
        ) as place
    from other_ranks

),

elsewhere as (

    select * from ranked_places
    where place = 1

),

-- Before the columns to compare are beside them: an engine may keep either side of an outer join.
weighed as (

    select
        candidate_cores.*,
        coalesce(shared_tokens.shared_norm, 0) as shared_norm
    from candidate_cores
    left join shared_tokens
        on
            candidate_cores.contact_core = shared_tokens.contact_core
            and candidate_cores.company_core = shared_tokens.company_core

),

pairs as (

    select
        candidates.contact_number,
        candidates.company_number,
        contacts.contact_id,
        companies.company_id,
        contacts.squeezed_name as contact_name,
        companies.squeezed_name as company_name,
        contacts.name_digits as contact_digits,
        companies.name_digits as company_digits,
        contacts.city as contact_city,
        companies.city as company_city,
        contacts.heaviest_weight,
        contacts.form_kind as contact_form,
        companies.form_kind as company_form,
        companies.initials,
        spellings.contact_count as spelling_count,
        least(contacts.token_norm, companies.token_norm) as smaller_norm,
        greatest(contacts.token_norm, companies.token_norm) as larger_norm,
        candidates.shared_norm,
        least(length(contacts.squeezed_name), length(companies.squeezed_name)) as shorter_length,
        greatest(length(contacts.squeezed_name), length(companies.squeezed_name)) as longer_length,
        case
            when contacts.email = companies.email then 9
            when
                (
                    candidates.by_domain = 1
                    or contacts.first_domain in (companies.first_domain, companies.last_domain)
                )
                and contacts.domain_company_count = 1
                then 8
            when
                candidates.by_domain = 1
                or contacts.first_domain in (companies.first_domain, companies.last_domain)
                then 6
            -- The name and another city: a namesake's domain.
            when instr(companies.city, cities.city) = 0 then 2
            when candidates.by_colleagues = 1
                then
                    -- Whoever bears the very name brought the domain: it proves nothing more.
                    case
                        when contacts.squeezed_name = companies.squeezed_name then null
                        when
                            contacts.domain_label in (
                                companies.squeezed_name,
                                companies.spelled_name,
                                companies.spelled_name || companies.city
                            )
                            then 10
                        else 7
                    end
            when contacts.first_domain is null then null
            when contacts.domain_company_count is not null then 0
            when contacts.domain_label = companies.domain_label then 2
            when companies.first_domain is not null then 1
            when
                contacts.domain_label = companies.squeezed_name
                or instr(companies.city, cities.city) > 0
                or (
                    contacts.domain_label in (
                        companies.spelled_name, companies.spelled_name || companies.city
                    )
                    and length(companies.spelled_name) >= 4
                )
                then 5
            when
                contacts.squeezed_name is null
                and length(contacts.domain_label) >= 4
                and contacts.domain_label in (companies.first_word, companies.first_words)
                then case when contacts.domain_label = companies.first_words then 12 else 11 end
            when
                length(contacts.domain_label) >= 5
                and (
                    instr(companies.squeezed_name, contacts.domain_label) > 0
                    or instr(contacts.domain_label, companies.squeezed_name) > 0
                    or left(contacts.domain_label, 6) = left(companies.squeezed_name, 6)
                )
                then 4
            else 3
        end as domain_level,
        case
            when contacts.first_phone is null or companies.first_phone is null then null
            when
                contacts.first_phone in (companies.first_phone, companies.last_phone)
                or contacts.last_phone in (companies.first_phone, companies.last_phone)
                then 3
            when candidates.by_office = 1 then 2
            -- A mobile number is its owner's: none of the company's is expected to be it.
            when contacts.has_land_line and land_lines.are_of_offices then 0
            else 1
        end as phone_level,
        case
            when contacts.vat_number = companies.vat_number then 1
            when contacts.vat_number <> companies.vat_number then 0
        end as vat_level,
        {{ place_levels('contacts', 'companies') }},
        elsewhere.place_rank as other_place_rank,
        elsewhere.address_level as other_address_level,
        elsewhere.city_level as other_city_level,
        elsewhere.country_level as other_country_level,
        case when common_countries.country is null then 2 else 1 end as same_country_level
    from weighed as candidates
    inner join contacts on candidates.contact_number = contacts.contact_number
    inner join companies on candidates.company_number = companies.company_number
    left join elsewhere
        on
            candidates.contact_number = elsewhere.contact_number
            and candidates.company_number = elsewhere.company_number
    cross join land_lines
    left join common_countries on contacts.country = common_countries.country
    left join spellings on contacts.core_number = spellings.core_number
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

),

with_edits as (

    select
        *,
        case
            when contact_name = company_name then 0
            -- Names of very different length are not compared letter by letter: their lengths alone
            -- are more edits than any level below allows.
            when
                longer_length - shorter_length > 6
                or (longer_length - shorter_length) * 100 > longer_length * 30
                then longer_length
            else {{ edit_distance('contact_name', 'company_name') }}
        end as edits,
        case
            when other_place_rank is null then false
            else other_place_rank > {{ place_rank() }}
        end as is_elsewhere
    from pairs

),

-- Two letters that changed places are one slip of the finger, and two edits.
with_slips as (

    select
        *,
        -- A case, since DuckDB works out both sides of an `or` for all rows.
        case
            when edits = 1 then true
            when edits = 2 and shorter_length = longer_length
                then
                    translate(contact_name, company_name, '') = ''
                    and translate(company_name, contact_name, '') = ''
            else false
        end as is_one_slip
    from with_edits

)

select
    contact_number,
    company_number,
    contact_id,
    company_id,
    case
        when contact_name is null or company_name is null then null
        when contact_name = company_name and heaviest_weight < 40 then 10
        when
            contact_name = company_name
            and contact_form <> company_form
            and (
                coalesce(country_level, 0) = 0
                or contact_form in ('association', 'federation', 'foundation')
                or company_form in ('association', 'federation', 'foundation')
            )
            then 12
        when contact_name = company_name then 11
        when contact_digits <> company_digits and contact_digits <> '' and company_digits <> ''
            then 0
        when shared_norm = larger_norm then 9
        when
            contact_name = company_name || company_city
            or contact_name = company_name || contact_city
            or contact_name || company_city = company_name
            or contact_name || contact_city = company_name
            then 8
        -- A word of one or two letters says as little as a common one; the rest has to be rare.
        when
            shared_norm = smaller_norm
            and (larger_norm - shared_norm <= 450 or longer_length - shorter_length <= 2)
            then case when heaviest_weight >= 80 then 5 else 3 end
        when edits * 100 <= longer_length * 14 or (is_one_slip and shorter_length >= 5)
            then
                case
                    when spelling_count <> 1 then 6
                    -- Names that differ in the first letter, or are short, may be two names.
                    when
                        is_one_slip
                        and left(contact_name, 1) = left(company_name, 1)
                        and (shared_norm > 0 or longer_length >= 9)
                        then 7
                    else 3
                end
        when contact_name = initials and length(initials) >= 4 then 4
        -- What several contacts write, and is more than a word short of it, is another name.
        when shared_norm = smaller_norm and shared_norm * 100 >= larger_norm * 42
            then case when spelling_count > 1 and edits > 5 then 2 else 3 end
        when shared_norm = smaller_norm then 2
        when contact_name = initials and length(initials) >= 3 then 2
        when edits * 100 <= longer_length * 30 then 1
        when shared_norm * shared_norm * 400 >= smaller_norm * larger_norm * 121 then 1
        else 0
    end as name_level,
    domain_level,
    phone_level,
    vat_level,
    case when is_elsewhere then other_address_level else address_level end as address_level,
    case when is_elsewhere then other_city_level else city_level end as city_level,
    case when is_elsewhere then other_country_level else country_level end * same_country_level
        as country_level
from with_slips
