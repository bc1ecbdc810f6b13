{%- set rules = blocking_rules() -%}

with block_keys as (

    select
        rule,
        block_key,
        case rule
            {%- for rule in rules %}
                when '{{ rule }}' then {{ 2 ** loop.index0 }}
            {%- endfor %}
        end as rule_bit
    from {{ ref('int_links__block_keys') }}
    where not is_left_out

),

contact_keys as (

    select * from {{ ref('int_contacts__block_keys') }}

),

company_keys as (

    select * from {{ ref('int_companies__block_keys') }}

),

found as (

    select
        contact_keys.contact_number,
        company_keys.company_number,
        block_keys.rule_bit
    from block_keys
    inner join contact_keys
        on
            block_keys.rule = contact_keys.rule
            and block_keys.block_key = contact_keys.block_key
    inner join company_keys
        on
            block_keys.rule = company_keys.rule
            and block_keys.block_key = company_keys.block_key

),

pairs as (

    select
        contact_number,
        company_number,
        bit_or(rule_bit) as rule_bits
    from found
    group by contact_number, company_number

)

select
    contact_number,
    company_number,
{%- for rule in rules %}
    case when (rule_bits & {{ 2 ** loop.index0 }}) > 0 then 1 else 0 end
        as by_{{ rule }}{{ ',' if not loop.last }}
{%- endfor %}
from pairs
