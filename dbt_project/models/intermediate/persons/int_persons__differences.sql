-- Where the two systems differ about one person: a row per contact that has a person of the CRM.
-- Null where one of them says nothing.
with same_persons as (

    select
        contact_id,
        kizen_contact_id
    from {{ ref('contact_person_links') }}
    where status in ('forced', 'auto')

),

keys as (

    select * from {{ ref('int_persons__keys') }}

),

phones as (

    select
        person_number,
        phone
    from {{ ref('int_persons__phones') }}

),

paired as (

    select
        same_persons.contact_id,
        contacts.person_number as contact_number,
        people.person_number as kizen_number,
        contacts.email <> people.email as email_differs,
        contacts.birth_date <> people.birth_date as birth_date_differs,
        case
            when
                contacts.postal_code <> people.postal_code
                or contacts.city <> people.city
                or contacts.house_number <> people.house_number
                or contacts.street_end <> people.street_end
                then true
            when
                contacts.postal_code = people.postal_code
                or contacts.city = people.city
                or contacts.street_end = people.street_end
                then false
        end as address_differs
    from same_persons
    inner join keys as contacts
        on same_persons.contact_id = contacts.person_id and contacts.side = 'contact'
    inner join keys as people
        on same_persons.kizen_contact_id = people.person_id and people.side = 'person'

),

numbers as (

    select
        paired.contact_id,
        min(case when one.phone = other.phone then 0 else 1 end) = 1 as phone_differs
    from paired
    inner join phones as one on paired.contact_number = one.person_number
    inner join phones as other on paired.kizen_number = other.person_number
    group by paired.contact_id

)

select
    paired.contact_id,
    paired.email_differs,
    numbers.phone_differs,
    paired.address_differs,
    paired.birth_date_differs
from paired
left join numbers on paired.contact_id = numbers.contact_id
