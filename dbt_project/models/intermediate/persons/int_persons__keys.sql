-- What a person of either side is recognised by, and how many bear its names.
{%- set street_types =
    '( (street|st|road|rd|avenue|ave|drive|dr|court|ct|place|pl|close|cl|crescent|cres|lane|ln|circuit|cct|terrace'
    ~ '|tce|way|parade|pde|boulevard|blvd|highway|hwy|grove|gr|square|sq|str))+[^a-z]*$' %}

with written as (

    select * from {{ ref('int_persons__written') }}

),

names as (

    select * from {{ ref('int_persons__names') }}

),

first_counts as (

    select
        first_key,
        count(*) as first_count
    from names
    group by first_key

),

last_counts as (

    select
        last_key,
        count(*) as last_count
    from names
    group by last_key

),

namesakes as (

    select
        side,
        first_key,
        last_key,
        count(*) as namesake_count
    from names
    group by side, first_key, last_key

),

full_forms as (

    select
        {{ squeezed_name('short_name') }} as short_form,
        min({{ squeezed_name('full_name') }}) as full_form
    from {{ ref('diminutives') }}
    group by {{ squeezed_name('short_name') }}

),

cleaned as (

    select
        written.side,
        written.person_id,
        nullif(lower(trim(written.email)), '') as email,
        -- What forms and spreadsheets fill in where nobody knows the date.
        case
            when
                not (
                    extract(month from written.birth_date) = 1
                    and extract(day from written.birth_date) = 1
                    and extract(year from written.birth_date) in (1, 1900, 1901, 1970, 2000)
                )
                then written.birth_date
        end as birth_date,
        {{ postal_key('written.postal_code') }} as postal_code,
        {{ city_key('written.city') }} as city,
        {{ street_words('written.street') }} as street_words
    from written

),

-- "Stanley Street" is told by its first word, "rue des Lilas" by its last.
prepared as (

    select
        *,
        {{ regexp_replace_all('street_words', street_types, '') }} as street_name
    from cleaned

),

keyed as (

    select
        prepared.side,
        prepared.person_id,
        names.first_words,
        names.first_key,
        names.first_head,
        names.first_tail,
        names.is_initial,
        names.last_core,
        names.last_key,
        names.last_whole,
        names.last_head,
        names.last_tail,
        coalesce(full_forms.full_form, names.first_key) as full_form,
        first_counts.first_count,
        last_counts.last_count,
        namesakes.namesake_count,
        prepared.email,
        prepared.birth_date,
        prepared.postal_code,
        prepared.city,
        nullif({{ regexp_first_group('prepared.street_words', '([0-9]+)') }}, '') as house_number,
        nullif({{ regexp_first_group('prepared.street_name', '([^0-9 ]+)[^a-z]*$') }}, '')
            as street_end
    from prepared
    inner join names on prepared.side = names.side and prepared.person_id = names.person_id
    left join first_counts on names.first_key = first_counts.first_key
    left join last_counts on names.last_key = last_counts.last_key
    left join full_forms on names.first_key = full_forms.short_form
    left join namesakes
        on
            names.side = namesakes.side
            and names.first_key = namesakes.first_key
            and names.last_key = namesakes.last_key

)

{{ numbered_rows('keyed', ['side', 'person_id'], 'person_number') }}
