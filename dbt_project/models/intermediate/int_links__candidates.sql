{%- set rules = blocking_rules() -%}

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

contacts as (

    select
        contact_id,
        contact_number
    from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select
        company_id,
        company_number
    from {{ ref('int_companies__match_keys') }}

),

found as (

    select
        contact_keys.contact_number,
        company_keys.company_number,
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

),

pairs as (

    select
        contact_number,
        company_number,
    {%- for rule in rules %}
        max(case when rule = '{{ rule }}' then 1 else 0 end)
            as by_{{ rule }}{{ ',' if not loop.last }}
    {%- endfor %}
    from found
    group by contact_number, company_number

)

select
    contacts.contact_id,
    companies.company_id,
    pairs.*
from pairs
inner join contacts on pairs.contact_number = contacts.contact_number
inner join companies on pairs.company_number = companies.company_number
