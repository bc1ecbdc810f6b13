-- The phone numbers of both sides; whether persons of several first names have the number.
with written as (

    select
        persons.person_number,
        written.business_phone,
        written.home_phone,
        written.mobile_phone
    from {{ ref('int_persons__written') }} as written
    inner join {{ ref('int_persons__keys') }} as persons
        on written.side = persons.side and written.person_id = persons.person_id

),

numbers as (

    {{ phone_keys('written', 'person_number', ['business_phone', 'home_phone'], ['mobile_phone']) }}

),

held as (

    select
        numbers.person_number,
        numbers.phone,
        persons.side,
        persons.first_key
    from numbers
    inner join {{ ref('int_persons__keys') }} as persons
        on numbers.person_number = persons.person_number

),

holders as (

    select
        side,
        phone,
        count(distinct first_key) as first_name_count
    from held
    group by side, phone

)

select
    held.person_number,
    held.side,
    held.phone,
    holders.first_name_count
from held
inner join holders on held.side = holders.side and held.phone = holders.phone
