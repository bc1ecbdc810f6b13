-- How the names of a pair agree; one row per pair.
with pairs as (

    select
        contact_number,
        kizen_number
    from {{ ref('int_persons__pairs') }}

),

keys as (

    select * from {{ ref('int_persons__keys') }}

),

short_forms as (

    select * from {{ ref('int_persons__short_forms') }}

),

sizes as (

    select
        count(*) as persons,
        count(case when side = 'person' then 1 end) as people
    from keys

),

agreements as (

    select
        pairs.contact_number,
        pairs.kizen_number,
        contacts.first_words is null or people.first_words is null as no_first_name,
        contacts.last_core is null or people.last_core is null as no_last_name,
        contacts.first_key = people.first_key as first_equal,
        contacts.last_key = people.last_key or contacts.last_whole = people.last_whole
            as last_equal,
        contacts.first_key as contact_first,
        contacts.last_key as contact_last,
        people.first_key as person_first,
        people.last_key as person_last,
        contacts.first_key in (people.last_key, people.last_whole) as contact_first_is_last,
        people.first_key in (contacts.last_key, contacts.last_whole) as person_first_is_last,
        short_forms.short_name is not null as is_short_form,
        contacts.is_initial or people.is_initial as is_initial,
        left(contacts.first_key, 1) = left(people.first_key, 1) as first_letter_equal,
        {{ is_part('contacts.first_words', 'people.first_words') }} as first_part,
        {{ is_part('contacts.last_core', 'people.last_core') }} as last_part,
        least(contacts.first_count, people.first_count) as rarer_first,
        greatest(contacts.first_count, people.first_count) as commoner_first,
        case
            when
                {{ is_part('contacts.last_core', 'people.last_core') }}
                and length(contacts.last_core) <> length(people.last_core)
                then
                    case
                        when length(contacts.last_core) < length(people.last_core)
                            then contacts.last_count
                        else people.last_count
                    end
            else greatest(contacts.last_count, people.last_count)
        end as last_bearers,
        contacts.namesake_count > 1 as has_namesake_contact,
        people.namesake_count > 1 as has_namesake_person,
        sizes.persons,
        sizes.people
    from pairs
    inner join keys as contacts on pairs.contact_number = contacts.person_number
    inner join keys as people on pairs.kizen_number = people.person_number
    cross join sizes
    left join short_forms
        on
            contacts.first_key = short_forms.short_name
            and people.first_key = short_forms.full_name

),

-- Words are compared letter by letter under `when` alone: only there are the rows left out that
-- another condition has decided.
swapped as (

    select
        *,
        case
            when contact_first_is_last and person_first_is_last then true
            when contact_first_is_last
                then
                    case when {{ is_near('person_first', 'contact_last') }} then true else false end
            when person_first_is_last
                then
                    case when {{ is_near('contact_first', 'person_last') }} then true else false end
            else false
        end as is_swapped
    from agreements

),

levels as (

    select
        *,
        case
            when no_first_name then null
            when first_equal then 'equal'
            when is_swapped then 'swapped'
            when is_initial then case when first_letter_equal then 'initial' else 'differs' end
            when is_short_form then 'short_form'
            when first_part then 'part'
            -- "Julie" is no slip of "Julien", nor "Elina" of "Elena": both are names, and twins may
            -- bear them. A slip is rare beside the name that was meant.
            when
                rarer_first * 20 <= commoner_first
                and {{ is_slip('contact_first', 'person_first') }}
                then 'slip'
            when rarer_first <= 1 and {{ is_near('contact_first', 'person_first') }} then 'near'
            else 'differs'
        end as first_name_level,
        case
            when no_last_name then null
            when last_equal then 'equal'
            when is_swapped then 'swapped'
            when last_part then 'part'
            when {{ is_slip('contact_last', 'person_last') }} then 'slip'
            when {{ is_near('contact_last', 'person_last') }} then 'near'
            else 'differs'
        end as last_name_level
    from swapped

)

select
    contact_number,
    kizen_number,
    first_name_level,
    last_name_level,
    case
        when first_name_level is null or first_name_level in ('initial', 'differs') then null
        else {{ band_level(
            rarity_points('commoner_first', 'persons', 10), [25, 20, 15, 10]
        ) }}
    end as first_rarity_level,
    -- Beside how many people there are: as many more bear the name by chance. Thirty is added, so
    -- that no band is below 0.
    case
        when coalesce(last_name_level, 'differs') = 'differs' then 'none'
        else {{ band_level(
            rarity_points('last_bearers', 'persons', 1)
            ~ ' + 30 - cast(round(10 * log10(people + 100)) as integer)',
            [35, 30, 25, 20, 15, 10, 5]
        ) }}
    end as last_rarity_level,
    case
        when first_name_level is null or last_name_level is null then null
        when has_namesake_contact and has_namesake_person then 'both'
        when has_namesake_contact then 'contacts'
        when has_namesake_person then 'people'
        else 'none'
    end as namesakes_level
from levels
