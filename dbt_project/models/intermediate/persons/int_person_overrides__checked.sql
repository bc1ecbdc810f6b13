with overrides as (

    select
        'seed' as kept_in,
        trim(cast(contact_id as string)) as contact_id,
        trim(cast(kizen_contact_id as string)) as kizen_contact_id,
        lower(trim(decision)) as decision,
        author,
        reason,
        cast(decided_at as timestamp) as decided_at
    from {{ ref('person_overrides') }}

    {%- if var('person_overrides_table') %}

        union all

        select
            'table' as kept_in,
            trim(cast(contact_id as string)) as contact_id,
            trim(cast(kizen_contact_id as string)) as kizen_contact_id,
            lower(trim(decision)) as decision,
            author,
            reason,
            cast(decided_at as timestamp) as decided_at
        from {{ var('person_overrides_table') }}
    {%- endif %}

),

contacts as (

    select contact_id from {{ ref('stg_kananas__contacts') }}

),

people as (

    select kizen_contact_id from {{ ref('stg_kizen__contacts') }}

),

checked as (

    select
        overrides.*,
        case
            when overrides.decision is null or overrides.decision not in ('force', 'forbid')
                then 'unknown decision'
            when contacts.contact_id is null then 'no such contact'
            when people.kizen_contact_id is null then 'no such person'
        end as objection
    from overrides
    left join contacts on overrides.contact_id = contacts.contact_id
    left join people on overrides.kizen_contact_id = people.kizen_contact_id

),

-- The later decision about a pair counts; of two in the same moment, the one that links nothing.
ranked_in_pair as (

    select
        *,
        row_number() over (
            partition by contact_id, kizen_contact_id, objection
            order by decided_at desc nulls last, decision asc, author asc, reason asc, kept_in asc
        ) as age_rank
    from checked

),

-- A contact is one person: of several that are forced, the one decided last.
ranked_in_contact as (

    select
        *,
        row_number() over (
            partition by contact_id, objection, decision, age_rank
            order by decided_at desc nulls last, kizen_contact_id asc
        ) as decision_rank
    from ranked_in_pair

)

select
    kept_in,
    contact_id,
    kizen_contact_id,
    decision,
    author,
    reason,
    decided_at,
    case
        when objection is not null then objection
        when age_rank > 1 or (decision = 'force' and decision_rank > 1) then 'superseded'
        else 'in force'
    end as effect
from ranked_in_contact
