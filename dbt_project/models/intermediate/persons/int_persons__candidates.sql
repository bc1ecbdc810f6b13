{%- set rules = person_blocking_rules() -%}

with block_keys as (

    select
        rule,
        block_key,
        case rule
            {%- for rule in rules %}
                when '{{ rule }}' then {{ 2 ** loop.index0 }}
            {%- endfor %}
        end as rule_bit,
        case
            when
                rule in ({{ "'" ~ duplicate_blocking_rules() | join("', '") ~ "'" }})
                and contact_count <= {{ var('link_key_companies') }}
                and person_count <= {{ var('link_key_companies') }}
                then 1
            else 0
        end as is_rare
    from {{ ref('int_persons__block_keys') }}
    where not is_left_out

),

own_keys as (

    select * from {{ ref('int_persons__own_keys') }}

),

pairs as (

    select
        contact_keys.person_number as contact_number,
        people_keys.person_number as kizen_number,
        bit_or(block_keys.rule_bit) as rule_bits,
        max(block_keys.is_rare) as by_rare_key
    from block_keys
    inner join own_keys as contact_keys
        on
            block_keys.rule = contact_keys.rule
            and block_keys.block_key = contact_keys.block_key
            and contact_keys.side = 'contact'
    inner join own_keys as people_keys
        on
            block_keys.rule = people_keys.rule
            and block_keys.block_key = people_keys.block_key
            and people_keys.side = 'person'
    group by contact_keys.person_number, people_keys.person_number

)

select
    contact_number,
    kizen_number,
    by_rare_key,
{%- for rule in rules %}
    case when (rule_bits & {{ 2 ** loop.index0 }}) > 0 then 1 else 0 end
        as by_{{ rule }}{{ ',' if not loop.last }}
{%- endfor %}
from pairs
