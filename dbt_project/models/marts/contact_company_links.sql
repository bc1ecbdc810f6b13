with decided as (

    select * from {{ ref('int_links__decided') }}

),

companies as (

    select company_id from {{ ref('stg_kizen__companies') }}

),

overrides as (

    select link_overrides.*
    from {{ ref('link_overrides') }} as link_overrides
    inner join companies on link_overrides.company_id = companies.company_id

),

-- Of several companies that a contact was forced to, the last decision counts.
ranked_forces as (

    select
        *,
        row_number()
            over (partition by contact_id order by decided_at desc, company_id asc)
            as place
    from overrides
    where decision = 'force'

),

forces as (

    select * from ranked_forces
    where place = 1

),

forbids as (

    select
        contact_id,
        company_id,
        min(author) as author,
        min(reason) as reason
    from overrides
    where decision = 'forbid'
    group by contact_id, company_id

),

overridden as (

    select
        decided.*,
        forces.company_id as forced_company_id,
        forbids.company_id as forbidden_company_id,
        coalesce(forces.author, forbids.author) as author,
        coalesce(forces.reason, forbids.reason) as reason,
        coalesce(decided.company_id = forces.company_id, false) as is_agreed
    from decided
    left join forces on decided.contact_id = forces.contact_id
    left join forbids
        on
            decided.contact_id = forbids.contact_id
            and decided.company_id = forbids.company_id

)

select
    contact_id,
    case
        when forced_company_id is not null then forced_company_id
        when forbidden_company_id is null then company_id
    end as company_id,
    case
        when forced_company_id is not null then 'forced'
        when forbidden_company_id is not null then 'forbidden'
        else status
    end as status,
    case
        when forced_company_id is null or is_agreed then tier
    end as tier,
    case
        when forced_company_id is null or is_agreed then score
    end as score,
    case
        when forced_company_id is not null then cast(1 as decimal(4, 3))
        when forbidden_company_id is null then confidence
    end as confidence,
    case
        when forced_company_id is null or is_agreed then margin
    end as margin,
    case
        when forced_company_id is null or is_agreed then runner_up_company_id
        else company_id
    end as runner_up_company_id,
    case when forced_company_id is null or is_agreed then evidence_name end as evidence_name,
    case when forced_company_id is null or is_agreed then evidence_domain end as evidence_domain,
    case when forced_company_id is null or is_agreed then evidence_phone end as evidence_phone,
    case when forced_company_id is null or is_agreed then evidence_vat end as evidence_vat,
    case when forced_company_id is null or is_agreed then evidence_address end as evidence_address,
    conflict and (forced_company_id is null or is_agreed) as conflict,
    case
        when forced_company_id is not null or forbidden_company_id is not null
            then
                'decided by ' || coalesce(author, 'a person') || coalesce(': ' || reason, '')
        else reasons
    end as reasons,
    rule_version
from overridden
