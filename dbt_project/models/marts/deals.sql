with deals as (

    select * from {{ ref('stg_kizen__deals') }}

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
    deals.deal_id,
    deals.pipeline_name,
    deals.pipeline_label,
    deals.deal_name,
    deals.stage_id,
    deals.stage_name,
    deals.stage_status,
    deals.stage_order,
    deals.chance_to_close,
    case
        when deals.stage_status is not null then lower(deals.stage_status) = 'open'
        else deals.closed_at is null
    end as is_open,
    cast(deals.amount as decimal(18, 2)) as amount,
    deals.currency,
    deals.owner_id,
    coalesce(team.member_name, deals.owner_name) as owner_name,
    -- A deal of a person is one of the person's company, where it names no other.
    coalesce(deals.company_id, people.company_id) as company_id,
    companies.company_name,
    deals.kizen_contact_id,
    {{ person_name('people') }} as kizen_contact_name,
    people.email as kizen_contact_email,
    deals.created_at,
    deals.updated_at,
    deals.closed_at
from deals
left join people on deals.kizen_contact_id = people.kizen_contact_id
left join companies on coalesce(deals.company_id, people.company_id) = companies.company_id
left join team on deals.owner_id = team.member_id
