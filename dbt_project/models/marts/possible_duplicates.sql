{%- set person_columns = [
    'first_name', 'last_name', 'full_name', 'email', 'birth_date', 'street', 'postal_code', 'city',
    'mobile_phone', 'business_phone', 'home_phone',
] %}
{%- set company_columns = [
    'company_name', 'email', 'mobile_phone', 'business_phone', 'website', 'vat_number', 'street',
    'postal_code', 'city', 'state', 'country',
] %}

with persons as (

    select
        side,
        person_id,
        coalesce(
            full_name, nullif(trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), '')
        ) as display_name,
        {% for column in person_columns %}
            case when {{ column }} is not null then 1 else 0 end{{ ' +' if not loop.last }}
        {%- endfor %} as filled_count
    from {{ ref('int_persons__written') }}

),

companies as (

    select
        company_id,
        company_name,
        {% for column in company_columns %}
            case when {{ column }} is not null then 1 else 0 end{{ ' +' if not loop.last }}
        {%- endfor %} as filled_count
    from {{ ref('stg_kizen__companies') }}

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
        'company' as kind,
        pairs.left_id,
        pairs.right_id,
        one.company_name as left_name,
        other.company_name as right_name,
        pairs.confidence,
        pairs.reasons,
        one.filled_count as left_count,
        other.filled_count as right_count
    from {{ ref('int_duplicates__companies') }} as pairs
    inner join companies as one on pairs.left_id = one.company_id
    inner join companies as other on pairs.right_id = other.company_id

)

select
    kind,
    left_id,
    right_id,
    left_name,
    right_name,
    confidence,
    reasons,
    case
        when left_count > right_count then left_id
        when right_count > left_count then right_id
    end as fuller_id
from pairs
