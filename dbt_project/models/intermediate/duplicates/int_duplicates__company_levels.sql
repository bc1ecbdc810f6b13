-- The pairs of companies that share a key, with the level of each feature; null where one side says
-- nothing.
with own_keys as (

    select distinct
        company_number,
        rule,
        block_key
    from {{ ref('int_companies__block_keys') }}
    where rule in ('name', 'half', 'domain', 'phone', 'vat', 'address')

),

block_keys as (

    select
        rule,
        block_key
    from own_keys
    group by rule, block_key
    having count(*) between 2 and {{ var('link_key_companies') }}

),

pairs as (

    select distinct
        one.company_number as left_number,
        other.company_number as right_number
    from block_keys
    inner join own_keys as one
        on block_keys.rule = one.rule and block_keys.block_key = one.block_key
    inner join own_keys as other
        on
            block_keys.rule = other.rule
            and block_keys.block_key = other.block_key
            and one.company_number < other.company_number

),

companies as (

    select
        match_keys.*,
        cores.core_name,
        count(*) over (partition by match_keys.squeezed_name) as namesake_count
    from {{ ref('int_companies__match_keys') }} as match_keys
    left join {{ ref('int_names__cores') }} as cores on match_keys.core_number = cores.core_number

)

select
    one.company_number as left_number,
    other.company_number as right_number,
    one.company_id as left_id,
    other.company_id as right_id,
    case
        when one.squeezed_name is null or other.squeezed_name is null then null
        when one.squeezed_name = other.squeezed_name
            then case when one.namesake_count > 3 then 'common' else 'equal' end
        when one.name_digits <> other.name_digits then 'differs'
        when {{ is_slip('one.squeezed_name', 'other.squeezed_name') }} then 'slip'
        when {{ is_part('one.core_name', 'other.core_name') }} then 'part'
        else 'differs'
    end as name_level,
    case
        when one.vat_number = other.vat_number then 'equal'
        when one.vat_number <> other.vat_number then 'differs'
    end as vat_level,
    {%- for value in ['domain', 'phone'] %}
        case
            when
                one.first_{{ value }} in (other.first_{{ value }}, other.last_{{ value }})
                or other.first_{{ value }} in (one.first_{{ value }}, one.last_{{ value }})
                then 'equal'
            when one.first_{{ value }} <> other.first_{{ value }} then 'differs'
        end as {{ value }}_level,
    {%- endfor %}
    case
        when one.country <> other.country then 'country_differs'
        when
            one.house_number = other.house_number
            and one.street_token = other.street_token
            and coalesce(one.postal_code = other.postal_code, one.city = other.city, false)
            then 'house'
        when one.city = other.city then 'city'
        when one.city <> other.city then 'differs'
    end as address_level
from pairs
inner join companies as one on pairs.left_number = one.company_number
inner join companies as other on pairs.right_number = other.company_number
