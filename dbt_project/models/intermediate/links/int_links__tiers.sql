-- What the best company of each contact rests on, and what makes it unsafe to use unseen.
with ranked as (

    select * from {{ ref('int_links__ranked') }}

),

name_levels as (

    select * from {{ ref('int_links__name_levels') }}

),

-- What a level says: for a link, in part, against it, or nothing.
link_levels as (

    select
        feature,
        level,
        speaks
    from {{ ref('link_levels') }}

),

-- The company that the CRM gives the contact, as the same person.
employers as (

    select
        person_companies.contact_number,
        min(coalesce(companies.company_name, companies.company_id)) as employer
    from {{ ref('int_links__person_companies') }} as person_companies
    inner join {{ ref('int_companies__match_keys') }} as companies
        on person_companies.company_number = companies.company_number
    where person_companies.person_level = 'primary'
    group by person_companies.contact_number

),

spoken as (

    select
        ranked.*,
        employers.employer,
        name_levels.contact_missing_level,
        name_levels.company_missing_level,
        name_levels.rarest_word_level,
        name_levels.contact_rival_level,
        name_levels.company_rival_level,
        name_levels.shared_rarity_level,
        name_levels.team_level,
        case when ranked.name_city_level = 'added' then 'for' else coalesce(names.speaks, '') end
            as name_speaks,
        coalesce(persons.speaks, '') as person_speaks,
        coalesce(domains.speaks, '') as domain_speaks,
        coalesce(phones.speaks, '') as phone_speaks,
        coalesce(vat_numbers.speaks, '') as vat_speaks,
        case
            when addresses.speaks = 'for' or cities.speaks = 'for' then 'for'
            else ''
        end as place_speaks,
        coalesce(addresses.speaks, '') as address_speaks,
        coalesce(countries.speaks, '') as country_speaks
    from ranked
    left join employers on ranked.contact_number = employers.contact_number
    left join name_levels
        on
            ranked.contact_core = name_levels.contact_core
            and ranked.company_core = name_levels.company_core
    left join link_levels as names on names.feature = 'name' and ranked.name_level = names.level
    left join link_levels as persons
        on persons.feature = 'person' and ranked.person_level = persons.level
    left join link_levels as domains
        on domains.feature = 'domain' and ranked.domain_level = domains.level
    left join link_levels as phones
        on phones.feature = 'phone' and ranked.phone_level = phones.level
    left join link_levels as vat_numbers
        on vat_numbers.feature = 'vat' and ranked.vat_level = vat_numbers.level
    left join link_levels as addresses
        on addresses.feature = 'address' and ranked.address_level = addresses.level
    left join link_levels as cities on cities.feature = 'city' and ranked.city_level = cities.level
    left join link_levels as countries
        on countries.feature = 'country' and ranked.country_level = countries.level

),

tiered as (

    select
        *,
        case
            when vat_speaks = 'for' then 'vat'
            when person_speaks = 'for' then 'person'
            when name_speaks = 'for' and domain_speaks = 'for' then 'name and domain'
            when name_speaks = 'for' and phone_speaks = 'for' then 'name and phone'
            when name_speaks = 'for' and place_speaks = 'for' then 'name and place'
            when name_speaks = 'for' then 'name'
            when name_speaks = 'in part' and domain_speaks = 'for' then 'similar name and domain'
            when name_speaks = 'in part' and phone_speaks = 'for' then 'similar name and phone'
            when name_speaks = 'in part' and place_speaks = 'for' then 'similar name and place'
            when name_speaks = 'in part' then 'similar name'
            when domain_speaks = 'for' and phone_speaks = 'for' then 'domain and phone'
            when domain_speaks = 'for' and place_speaks = 'for' then 'domain and place'
            when domain_speaks = 'for' then 'domain'
            when phone_speaks = 'for' then 'phone'
            when name_level = 'some_words' then 'part of a name'
            else 'place'
        end as tier
    from spoken

)

select
    *,
    case
        when team_level = 'differs' then 'a second team or a youth is in one name only'
        when name_level = 'other_number' then 'the numbers in the names differ'
        when tier in ('place', 'part of a name') then 'too little agrees'
        when person_level = 'of_other'
            then 'the CRM gives the same person another company, ' || employer
        when tier = 'person' and name_speaks = 'against'
            then 'the contact names another organisation than the CRM gives the same person'
        when tier = 'person' and domain_speaks = 'against'
            then 'the domain is not that of the company which the CRM gives the same person'
        when tier = 'person' and vat_speaks = 'against'
            then 'the VAT number is not that of the company which the CRM gives the same person'
        when
            tier = 'domain'
            and coalesce(domain_standing_level, '') <> 'confirmed'
            and coalesce(country_level, 'differ') = 'differ'
            then 'the domain alone may be an adviser''s'
        -- What stands beside a name makes up for what it lacks.
        when tier not in ('name', 'similar name', 'similar name and place') then null
        when name_level = 'generic' then 'others are likely to bear the name'
        when name_level <> 'exact' and shared_rarity_level in ('from_0', 'from_30', 'from_45')
            then 'others are likely to bear the name'
        when company_rival_level in ('from_0', 'from_1')
            then 'another contact has a name nearer to the company'
        when
            tier <> 'similar name and place'
            and (
                contact_missing_level in ('from_50', 'from_65')
                or company_missing_level in ('from_50', 'from_65')
            )
            then 'a rare word is in one name only'
        when
            tier = 'similar name'
            and (
                contact_missing_level in ('from_20', 'from_35')
                or company_missing_level in ('from_20', 'from_35')
            )
            then 'a word that tells is in one name only'
    end as caution
from tiered
