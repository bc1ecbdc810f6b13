-- One row per candidate: the level of each feature, and null where a side says nothing.
with name_levels as (

    select * from {{ ref('int_persons__name_levels') }}

),

keys as (

    select * from {{ ref('int_persons__keys') }}

),

shared as (

    select * from {{ ref('int_persons__shared') }}

),

email_holders as (

    select
        side,
        email,
        count(distinct first_key) as first_name_count
    from keys
    where email is not null
    group by side, email

),

house_holders as (

    select
        side,
        house_number,
        street_end,
        coalesce(postal_code, city) as place,
        count(distinct first_key) as first_name_count
    from keys
    where house_number is not null and street_end is not null
    group by side, house_number, street_end, coalesce(postal_code, city)

),

-- Where many live, as in a club of one town, a place tells little. A postal code is as good as a
-- city where one in thirty has it; a city tells nothing where one in five lives there.
sizes as (

    select
        count(postal_code) as with_postal_code,
        count(city) as with_city,
        count(house_number) as with_house,
        count(birth_date) as with_birth_date
    from keys

),

common_postal_codes as (

    select keys.postal_code
    from keys
    cross join sizes
    where keys.postal_code is not null
    group by keys.postal_code
    having count(*) > 20 and 30 * count(*) > max(sizes.with_postal_code)

),

common_cities as (

    select keys.city
    from keys
    cross join sizes
    where keys.city is not null
    group by keys.city
    having count(*) > 20 and 5 * count(*) > max(sizes.with_city)

),

twins as (

    select
        side,
        last_key,
        birth_date
    from keys
    where last_key is not null and birth_date is not null
    group by side, last_key, birth_date
    having count(distinct first_key) > 1

),

-- Persons who share a house, an address, a number, or name and birth date with another first name
-- of their system: families, boards, twins.
accompanied as (

    select keys.person_number
    from keys
    inner join twins
        on
            keys.side = twins.side
            and keys.last_key = twins.last_key
            and keys.birth_date = twins.birth_date

    union

    select keys.person_number
    from keys
    inner join email_holders
        on keys.side = email_holders.side and keys.email = email_holders.email
    where email_holders.first_name_count > 1

    union

    select keys.person_number
    from keys
    inner join house_holders
        on
            keys.side = house_holders.side
            and keys.house_number = house_holders.house_number
            and keys.street_end = house_holders.street_end
            and coalesce(keys.postal_code, keys.city) = house_holders.place
    where house_holders.first_name_count > 1

    union

    select person_number
    from {{ ref('int_persons__phones') }}
    where first_name_count > 1

),

-- Where hardly anybody does, nothing speaks of families: one in fifty does by chance. Where no
-- addresses are known, only twins would show: not one in a thousand.
account as (

    select
        case
            when with_house > 0 then 50 * (select count(*) from accompanied) < with_house
            else 1000 * (select count(*) from accompanied) < with_birth_date
        end as is_without_families
    from sizes

),

dated as (

    select
        person_number,
        extract(year from birth_date) as birth_year,
        extract(month from birth_date) as birth_month,
        extract(day from birth_date) as birth_day,
        -- Eight digits, as one writes a date.
        cast(
            10000 * extract(year from birth_date) + 100 * extract(month from birth_date)
            + extract(day from birth_date) as string
        ) as birth_digits
    from keys
    where birth_date is not null

)

select
    levels.*,
    contacts.person_id as contact_id,
    people.person_id as kizen_contact_id,
    contacts.side = people.side as is_duplicate,
    with_contact.person_number is not null or with_person.person_number is not null
        as is_accompanied,
    account.is_without_families
    and contacts.side <> people.side
    and with_contact.person_number is null
    and with_person.person_number is null as is_alone,
    case
        when contacts.email <> people.email then 'differs'
        when contact_holders.first_name_count > 1 or people_holders.first_name_count > 1
            then case when contacts.email = people.email then 'shared' end
        when contacts.email = people.email then 'equal'
    end as email_level,
    case
        when shared.phone_first_names > 1 then 'shared'
        when shared.phone_first_names is not null then 'equal'
    end as phone_level,
    case
        when contacts.birth_date = people.birth_date then 'equal'
        when
            contact_dates.birth_year = people_dates.birth_year
            and contact_dates.birth_month = people_dates.birth_day
            and contact_dates.birth_day = people_dates.birth_month
            then 'swapped'
        when {{ is_slip('contact_dates.birth_digits', 'people_dates.birth_digits') }} then 'slip'
        when
            contact_dates.birth_year = people_dates.birth_year
            and (
                contact_dates.birth_month = people_dates.birth_month
                or contact_dates.birth_day = people_dates.birth_day
            )
            then 'part'
        when
            contact_dates.birth_month = people_dates.birth_month
            and contact_dates.birth_day = people_dates.birth_day
            then 'other_year'
        when abs(contact_dates.birth_year - people_dates.birth_year) >= 15 then 'generation'
        when contacts.birth_date <> people.birth_date then 'differs'
    end as birth_date_level,
    case
        when
            contacts.street_end = people.street_end
            and coalesce(
                contacts.postal_code = people.postal_code, contacts.city = people.city, false
            )
            then
                case when contacts.house_number = people.house_number then 'house' else 'street' end
        when contacts.postal_code = people.postal_code and common_postal_codes.postal_code is null
            then 'postal_code'
        when contacts.city = people.city and common_cities.city is null then 'city'
        when contacts.postal_code = people.postal_code or contacts.city = people.city
            then 'common_place'
        when contacts.postal_code <> people.postal_code or contacts.city <> people.city
            then 'differs'
    end as address_level,
    -- Within one system colleagues have an employer in common, and are two.
    case
        when contacts.side = people.side then null
        when shared.common_employers = 1 then 'equal'
        when shared.common_employers = 0 then 'differs'
    end as employer_level
from name_levels as levels
inner join keys as contacts on levels.contact_number = contacts.person_number
inner join keys as people on levels.kizen_number = people.person_number
left join shared
    on
        levels.contact_number = shared.contact_number
        and levels.kizen_number = shared.kizen_number
left join email_holders as contact_holders
    on contacts.side = contact_holders.side and contacts.email = contact_holders.email
left join email_holders as people_holders
    on people.side = people_holders.side and people.email = people_holders.email
left join common_postal_codes on contacts.postal_code = common_postal_codes.postal_code
left join common_cities on contacts.city = common_cities.city
cross join account
left join accompanied as with_contact on levels.contact_number = with_contact.person_number
left join accompanied as with_person on levels.kizen_number = with_person.person_number
left join dated as contact_dates on levels.contact_number = contact_dates.person_number
left join dated as people_dates on levels.kizen_number = people_dates.person_number
