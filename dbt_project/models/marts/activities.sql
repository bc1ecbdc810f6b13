with activities as (

    select * from {{ ref('stg_kizen__activities') }}

),

companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

people as (

    select * from {{ ref('stg_kizen__contacts') }}

),

team as (

    select * from {{ ref('stg_kizen__team') }}

)

select
    activities.activity_id,
    activities.activity_kind,
    activities.activity_type_id,
    activities.activity_type,
    coalesce(activities.logged_at, activities.completed_at) as done_at,
    case
        when activities.activity_kind = 'scheduled' and activities.completed_at is null
            then activities.due_at
    end as due_at,
    -- An activity with a person is one with the person's company, where it names no other.
    coalesce(activities.company_id, people.company_id) as company_id,
    companies.company_name,
    activities.kizen_contact_id,
    {{ person_name('people') }} as kizen_contact_name,
    activities.member_id,
    team.member_name,
    activities.note,
    activities.created_at
from activities
left join people on activities.kizen_contact_id = people.kizen_contact_id
left join companies on coalesce(activities.company_id, people.company_id) = companies.company_id
left join team on activities.member_id = team.member_id
