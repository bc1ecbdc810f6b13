{%- set features = [
    'first_name', 'last_name', 'email', 'phone', 'birth_date', 'address', 'employer',
] %}

with decided as (

    select * from {{ ref('int_persons__decided') }}

),

scored as (

    select * from {{ ref('int_persons__scored') }}

),

overrides as (

    select * from {{ ref('int_person_overrides__checked') }}
    where effect = 'in force'

),

forces as (

    select * from overrides
    where decision = 'force'

),

ranked_forbids as (

    select
        overrides.contact_id,
        overrides.author,
        overrides.reason,
        row_number() over (
            partition by overrides.contact_id
            order by scored.score desc, overrides.kizen_contact_id asc
        ) as place
    from overrides
    inner join scored
        on
            overrides.contact_id = scored.contact_id
            and overrides.kizen_contact_id = scored.kizen_contact_id
    where
        overrides.decision = 'forbid'
        and scored.score >= {{ var('link_threshold') }}

),

-- The person that the rules would have taken or proposed.
forbids as (

    select * from ranked_forbids
    where place = 1

),

overridden as (

    select
        decided.*,
        forces.kizen_contact_id as forced_kizen_contact_id,
        coalesce(forces.author, forbids.author) as author,
        coalesce(forces.reason, forbids.reason) as reason,
        forces.kizen_contact_id is null
        and decided.status = 'none'
        and forbids.contact_id is not null as is_forbidden,
        forces.kizen_contact_id is null
        or coalesce(decided.kizen_contact_id = forces.kizen_contact_id, false) as is_agreed
    from decided
    left join forces on decided.contact_id = forces.contact_id
    left join forbids on decided.contact_id = forbids.contact_id

)

select
    contact_id,
    coalesce(forced_kizen_contact_id, kizen_contact_id) as kizen_contact_id,
    case
        when forced_kizen_contact_id is not null then 'forced'
        when is_forbidden then 'forbidden'
        else status
    end as status,
    case when is_agreed then tier end as tier,
    case when is_agreed then score end as score,
    case
        when forced_kizen_contact_id is not null then cast(1 as decimal(4, 3))
        else confidence
    end as confidence,
    case when is_agreed then margin end as margin,
    case when is_agreed then runner_up_kizen_contact_id else kizen_contact_id end
        as runner_up_kizen_contact_id,
    {%- for feature in features %}
        case when is_agreed then evidence_{{ feature }} end as evidence_{{ feature }},
    {%- endfor %}
    case
        when forced_kizen_contact_id is not null or is_forbidden
            then
                case when is_forbidden then 'ruled out by ' else 'decided by ' end
                || coalesce(author, 'a person') || coalesce(': ' || reason, '')
        else reasons
    end as reasons,
    rule_version
from overridden
