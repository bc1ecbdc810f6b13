-- Contacts and people of the CRM with their names, addresses and numbers as they were written.
{{ config(materialized='view') }}

with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

organisations as (

    select * from {{ ref('int_contacts__organisations') }}

),

people as (

    select * from {{ ref('stg_kizen__contacts') }}

)

select
    'contact' as side,
    contacts.contact_id as person_id,
    contacts.first_name,
    contacts.last_name,
    contacts.full_name,
    contacts.email,
    contacts.birth_date,
    contacts.street,
    contacts.postal_code,
    contacts.city,
    contacts.mobile as mobile_phone,
    contacts.phone as business_phone,
    cast(null as string) as home_phone
from contacts
inner join organisations on contacts.contact_id = organisations.contact_id
where organisations.contact_kind <> 'organisation'

union all

select
    'person' as side,
    kizen_contact_id as person_id,
    first_name,
    last_name,
    full_name,
    email,
    birth_date,
    street,
    postal_code,
    city,
    mobile_phone,
    business_phone,
    home_phone
from people
