with candidates as (

    select
        contact_id,
        company_id
    from {{ ref('int_links__candidates') }}

),

contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

tokens as (

    select * from {{ ref('int_names__tokens') }}

),

contact_domains as (

    select * from {{ ref('int_contacts__domains') }}

),

company_domains as (

    select * from {{ ref('int_companies__domains') }}

),

learned_domains as (

    select * from {{ ref('int_companies__learned_domains') }}

),

contact_phones as (

    select * from {{ ref('int_contacts__phones') }}

),

company_phones as (

    select * from {{ ref('int_companies__phones') }}

),

domain_holders as (

    select
        domain,
        count(*) as company_count
    from company_domains
    group by domain

),

agreeing_domains as (

    select
        candidates.contact_id,
        candidates.company_id,
        max(case when domain_holders.company_count = 1 then 5 else 4 end) as level
    from candidates
    inner join contact_domains on candidates.contact_id = contact_domains.contact_id
    inner join company_domains
        on
            candidates.company_id = company_domains.company_id
            and contact_domains.domain = company_domains.domain
    inner join domain_holders on contact_domains.domain = domain_holders.domain
    group by candidates.contact_id, candidates.company_id

),

-- What a contact says itself is no evidence for itself: a colleague has to say it too.
colleagues as (

    select distinct
        contact_domains.contact_id,
        learned_domains.company_id
    from contact_domains
    inner join learned_domains on contact_domains.domain = learned_domains.domain
    where
        contact_domains.contact_id <> learned_domains.first_contact_id
        or contact_domains.contact_id <> learned_domains.last_contact_id

),

named_domains as (

    select distinct
        contact_domains.contact_id,
        {{ squeezed_name("replace(split_part(contact_domains.domain, '.', 1), '-', '')") }}
            as squeezed_name
    from contact_domains

),

contact_domain_counts as (

    select
        contact_id,
        count(*) as domain_count
    from contact_domains
    group by contact_id

),

company_domain_counts as (

    select
        company_id,
        count(*) as domain_count
    from company_domains
    group by company_id

),

compared_phones as (

    select
        candidates.contact_id,
        candidates.company_id,
        max(
            case
                when contact_phones.phone = company_phones.phone then 2
                when
                    length(contact_phones.phone) = 8
                    and length(company_phones.phone) = 8
                    and left(contact_phones.phone, 6) = left(company_phones.phone, 6)
                    then 1
                else 0
            end
        ) as level
    from candidates
    inner join contact_phones on candidates.contact_id = contact_phones.contact_id
    inner join company_phones on candidates.company_id = company_phones.company_id
    group by candidates.contact_id, candidates.company_id

),

name_pairs as (

    select distinct
        contacts.core_name as contact_name,
        companies.core_name as company_name
    from candidates
    inner join contacts on candidates.contact_id = contacts.contact_id
    inner join companies on candidates.company_id = companies.company_id
    where contacts.squeezed_name <> companies.squeezed_name

),

shared_tokens as (

    select
        name_pairs.contact_name,
        name_pairs.company_name,
        sum(contact_tokens.weight * company_tokens.weight) as shared_norm
    from name_pairs
    inner join tokens as contact_tokens on name_pairs.contact_name = contact_tokens.core_name
    inner join tokens as company_tokens
        on
            name_pairs.company_name = company_tokens.core_name
            and contact_tokens.token = company_tokens.token
    group by name_pairs.contact_name, name_pairs.company_name

),

pairs as (

    select
        candidates.contact_id,
        candidates.company_id,
        contacts.squeezed_name as contact_name,
        companies.squeezed_name as company_name,
        contacts.name_digits as contact_digits,
        companies.name_digits as company_digits,
        least(contacts.token_norm, companies.token_norm) as smaller_norm,
        greatest(contacts.token_norm, companies.token_norm) as larger_norm,
        coalesce(shared_tokens.shared_norm, 0) as shared_norm,
        least(length(contacts.squeezed_name), length(companies.squeezed_name)) as shorter_length,
        greatest(length(contacts.squeezed_name), length(companies.squeezed_name)) as longer_length,
        case
            when contacts.squeezed_name = companies.squeezed_name then 0
            else {{ edit_distance('contacts.squeezed_name', 'companies.squeezed_name') }}
        end as edits,
        case
            when contacts.email = companies.email then 6
            when agreeing_domains.level is not null then agreeing_domains.level
            when colleagues.contact_id is not null then 3
            when
                named_domains.contact_id is not null
                and company_domain_counts.domain_count is null
                then 2
            when
                contact_domain_counts.domain_count is not null
                and company_domain_counts.domain_count is not null
                then 0
        end as domain_level,
        compared_phones.level as phone_level,
        case
            when contacts.vat_number = companies.vat_number then 1
            when contacts.vat_number <> companies.vat_number then 0
        end as vat_level,
        contacts.house_number = companies.house_number as same_number,
        (
            contacts.street_name = companies.street_name
            or coalesce(contacts.street_token = companies.street_token, false)
        ) as same_street,
        case
            when contacts.city = companies.city or contacts.postal_code = companies.postal_code
                then 2
            when contacts.city is null or companies.city is null then null
            when
                contacts.country = companies.country
                and left(contacts.postal_code, 2) = left(companies.postal_code, 2)
                then 1
            when
                instr(contacts.city, companies.city) > 0 or instr(companies.city, contacts.city) > 0
                then 1
            when
                length(contacts.city) >= 6 and {{ edit_distance('contacts.city', 'companies.city') }} <= 2
                then 1
            else 0
        end as city_level,
        case
            when contacts.country = companies.country then 1
            when contacts.country <> companies.country then 0
        end as country_level
    from candidates
    inner join contacts on candidates.contact_id = contacts.contact_id
    inner join companies on candidates.company_id = companies.company_id
    left join shared_tokens
        on
            contacts.core_name = shared_tokens.contact_name
            and companies.core_name = shared_tokens.company_name
    left join agreeing_domains
        on
            candidates.contact_id = agreeing_domains.contact_id
            and candidates.company_id = agreeing_domains.company_id
    left join colleagues
        on
            candidates.contact_id = colleagues.contact_id
            and candidates.company_id = colleagues.company_id
    left join named_domains
        on
            candidates.contact_id = named_domains.contact_id
            and companies.squeezed_name = named_domains.squeezed_name
    left join contact_domain_counts on candidates.contact_id = contact_domain_counts.contact_id
    left join company_domain_counts on candidates.company_id = company_domain_counts.company_id
    left join compared_phones
        on
            candidates.contact_id = compared_phones.contact_id
            and candidates.company_id = compared_phones.company_id

)

select
    contact_id,
    company_id,
    case
        when contact_name is null or company_name is null then null
        when contact_name = company_name then 7
        when contact_digits <> company_digits and contact_digits <> '' and company_digits <> ''
            then 1
        when shared_norm = larger_norm then 6
        when
            shorter_length >= 8
            and (instr(contact_name, company_name) = 1 or instr(company_name, contact_name) = 1)
            then 5
        when shared_norm * 100 >= smaller_norm * 95 and shared_norm >= 900 then 5
        when edits * 100 <= longer_length * 12 then 4
        when shared_norm * shared_norm * 16 >= smaller_norm * larger_norm * 9 then 4
        when edits * 100 <= longer_length * 20 then 2
        when shared_norm * shared_norm * 10000 >= smaller_norm * larger_norm * 3025 then 2
        when edits * 100 <= longer_length * 30 then 1
        when shared_norm * shared_norm * 10000 >= smaller_norm * larger_norm * 1225 then 1
        else 0
    end as name_level,
    domain_level,
    phone_level,
    vat_level,
    case
        when same_number and same_street and coalesce(city_level, 2) > 0 then 3
        when same_street and coalesce(city_level, 2) > 0 then 2
        when same_number and not same_street then 1
        when not same_street then 0
    end as address_level,
    city_level,
    country_level
from pairs
