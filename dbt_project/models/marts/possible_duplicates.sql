{%- set person_columns = [
    'first_name', 'last_name', 'full_name', 'email', 'birth_date', 'street', 'postal_code', 'city',
    'mobile_phone', 'business_phone', 'home_phone',
] %}
{%- set company_columns = [
    'company_name', 'email', 'mobile_phone', 'business_phone', 'website', 'vat_number', 'street',
    'postal_code', 'city', 'state', 'country',
] %}
{%- set organisation_columns = [
    'email', 'mobile', 'phone', 'website', 'vat_number', 'street', 'postal_code', 'city', 'country',
] %}

with persons as (

    select
        written.side,
        written.person_id,
        {{ person_name('written') }} as display_name,
        {% for column in person_columns %}
            case when written.{{ column }} is not null then 1 else 0 end{{ ' +' if not loop.last }}
        {%- endfor %} as filled_count
    from {{ ref('int_persons__written') }} as written

),

organisations as (

    select
        'company' as side,
        company_id as organisation_id,
        company_name as display_name,
        {% for column in company_columns %}
            case when {{ column }} is not null then 1 else 0 end{{ ' +' if not loop.last }}
        {%- endfor %} as filled_count
    from {{ ref('stg_kizen__companies') }}

    union all

    select
        'contact' as side,
        contacts.contact_id as organisation_id,
        organisations.organisation_name as display_name,
        {% for column in organisation_columns %}
            case when contacts.{{ column }} is not null then 1 else 0 end{{ ' +' if not loop.last }}
        {%- endfor %} as filled_count
    from {{ ref('stg_kananas__contacts') }} as contacts
    inner join {{ ref('int_contacts__organisations') }} as organisations
        on contacts.contact_id = organisations.contact_id
    where organisations.contact_kind = 'organisation'

),

-- The latest decision about a pair counts.
decisions as (

    select
        kind,
        decision,
        least(left_id, right_id) as one_id,
        greatest(left_id, right_id) as other_id,
        row_number() over (
            partition by kind, least(left_id, right_id), greatest(left_id, right_id)
            order by decided_at desc nulls last, decision asc
        ) as place
    from {{ ref('int_decisions__file') }}
    where not is_taken_back and decision in ('force', 'forbid')

),

pairs as (

    select
        case pairs.side when 'contact' then 'kananas_contact' else 'kizen_contact' end as kind,
        pairs.left_id,
        pairs.right_id,
        one.display_name as left_name,
        other.display_name as right_name,
        pairs.confidence,
        pairs.reasons,
        one.filled_count as left_count,
        other.filled_count as right_count
    from {{ ref('int_duplicates__persons') }} as pairs
    inner join persons as one on pairs.side = one.side and pairs.left_id = one.person_id
    inner join persons as other on pairs.side = other.side and pairs.right_id = other.person_id

    union all

    select
        case pairs.side when 'contact' then 'kananas_contact' else 'company' end as kind,
        pairs.left_id,
        pairs.right_id,
        one.display_name as left_name,
        other.display_name as right_name,
        pairs.confidence,
        pairs.reasons,
        one.filled_count as left_count,
        other.filled_count as right_count
    from {{ ref('int_duplicates__organisations') }} as pairs
    inner join organisations as one
        on pairs.side = one.side and pairs.left_id = one.organisation_id
    inner join organisations as other
        on pairs.side = other.side and pairs.right_id = other.organisation_id

)

select
    pairs.kind,
    pairs.left_id,
    pairs.right_id,
    pairs.left_name,
    pairs.right_name,
    pairs.confidence,
    pairs.reasons,
    case
        when pairs.left_count > pairs.right_count then pairs.left_id
        when pairs.right_count > pairs.left_count then pairs.right_id
    end as fuller_id,
    coalesce(decisions.decision = 'force', false) as is_confirmed
from pairs
left join decisions
    on
        pairs.kind || '_duplicate' = decisions.kind
        and least(pairs.left_id, pairs.right_id) = decisions.one_id
        and greatest(pairs.left_id, pairs.right_id) = decisions.other_id
        and decisions.place = 1
-- What people told apart is not proposed again.
where coalesce(decisions.decision, '') <> 'forbid'
