with block_keys as (

    select * from {{ ref('int_links__block_keys') }}
    where pair_count <= {{ var('link_key_pairs') }}

),

contact_keys as (

    select * from {{ ref('int_contacts__block_keys') }}

),

company_keys as (

    select * from {{ ref('int_companies__block_keys') }}

),

pairs as (

    select
        contact_keys.contact_id,
        company_keys.company_id,
        block_keys.rule
    from block_keys
    inner join contact_keys
        on
            block_keys.rule = contact_keys.rule
            and block_keys.block_key = contact_keys.block_key
    inner join company_keys
        on
            block_keys.rule = company_keys.rule
            and block_keys.block_key = company_keys.block_key

)

select
    contact_id,
    company_id,
    {%- for rule in blocking_rules() %}
    max(case when rule = '{{ rule }}' then 1 else 0 end) as by_{{ rule }}{{ ',' if not loop.last }}
    {%- endfor %}
from pairs
group by contact_id, company_id
