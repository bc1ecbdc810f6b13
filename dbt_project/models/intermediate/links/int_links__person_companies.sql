-- The companies to which the CRM itself relates a contact: those of the person of the CRM who the
-- contact is. One row per contact and company.
with contacts as (

    select
        contact_number,
        contact_id
    from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select
        company_number,
        company_id
    from {{ ref('int_companies__match_keys') }}

),

people as (

    select * from {{ ref('stg_kizen__contacts') }}

),

forced as (

    select
        contact_id,
        kizen_contact_id
    from {{ ref('int_person_overrides__checked') }}
    where decision = 'force' and effect = 'in force'

),

-- A proposal that waits for a person is no evidence yet.
same_persons as (

    select
        contact_id,
        kizen_contact_id
    from forced

    union all

    select
        decided.contact_id,
        decided.kizen_contact_id
    from {{ ref('int_persons__decided') }} as decided
    left join forced on decided.contact_id = forced.contact_id
    where decided.status = 'auto' and forced.contact_id is null

),

other_companies as (

    {{ elements_of('people', 'other_companies', ['kizen_contact_id']) }}

),

relations as (

    select
        kizen_contact_id,
        company_id,
        1 as is_primary
    from people
    where company_id is not null

    union all

    -- A list of objects, or one of ids.
    select
        kizen_contact_id,
        coalesce({{ json_text('element', ['id']) }}, {{ json_text('element', []) }}) as company_id,
        0 as is_primary
    from other_companies

)

select
    contacts.contact_number,
    companies.company_number,
    case max(relations.is_primary) when 1 then 'primary' else 'additional' end as person_level
from same_persons
inner join relations on same_persons.kizen_contact_id = relations.kizen_contact_id
inner join contacts on same_persons.contact_id = contacts.contact_id
inner join companies on relations.company_id = companies.company_id
where {{ var('link_by_person') }}
group by contacts.contact_number, companies.company_number
