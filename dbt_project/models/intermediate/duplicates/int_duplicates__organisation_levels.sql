-- The pairs of companies of the CRM, and of contacts that are organisations, that share a key, with
-- the level of each feature; null where one side says nothing.
with organisations as (

    select
        'company' as side,
        company_number as organisation_number,
        company_id as organisation_id,
        core_number,
        squeezed_name,
        name_digits,
        vat_number,
        first_domain,
        last_domain,
        first_phone,
        last_phone,
        house_number,
        street_token,
        postal_code,
        city,
        country
    from {{ ref('int_companies__match_keys') }}

    union all

    select
        'contact' as side,
        contact_number as organisation_number,
        contact_id as organisation_id,
        core_number,
        squeezed_name,
        name_digits,
        vat_number,
        first_domain,
        cast(null as string) as last_domain,
        first_phone,
        last_phone,
        house_number,
        street_token,
        postal_code,
        city,
        country
    from {{ ref('int_contacts__match_keys') }}
    where contact_kind = 'organisation'

),

keys as (

    select
        'company' as side,
        company_number as organisation_number,
        rule,
        block_key
    from {{ ref('int_companies__block_keys') }}

    union all

    select
        'contact' as side,
        block_keys.contact_number as organisation_number,
        block_keys.rule,
        block_keys.block_key
    from {{ ref('int_contacts__block_keys') }} as block_keys
    inner join organisations
        on
            organisations.side = 'contact'
            and block_keys.contact_number = organisations.organisation_number

),

own_keys as (

    select distinct
        side,
        organisation_number,
        rule,
        block_key
    from keys
    where rule in ('name', 'half', 'domain', 'phone', 'vat', 'address')

),

block_keys as (

    select
        side,
        rule,
        block_key
    from own_keys
    group by side, rule, block_key
    having count(*) between 2 and {{ var('link_key_companies') }}

),

pairs as (

    select distinct
        block_keys.side,
        one.organisation_number as left_number,
        other.organisation_number as right_number
    from block_keys
    inner join own_keys as one
        on
            block_keys.side = one.side
            and block_keys.rule = one.rule
            and block_keys.block_key = one.block_key
    inner join own_keys as other
        on
            block_keys.side = other.side
            and block_keys.rule = other.rule
            and block_keys.block_key = other.block_key
            and one.organisation_number < other.organisation_number

),

named as (

    select
        organisations.*,
        cores.core_name,
        count(*) over (partition by organisations.side, organisations.squeezed_name)
            as namesake_count
    from organisations
    left join {{ ref('int_names__cores') }} as cores
        on organisations.core_number = cores.core_number

)

select
    pairs.side,
    pairs.left_number,
    pairs.right_number,
    one.organisation_id as left_id,
    other.organisation_id as right_id,
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
inner join named as one
    on pairs.side = one.side and pairs.left_number = one.organisation_number
inner join named as other
    on pairs.side = other.side and pairs.right_number = other.organisation_number
