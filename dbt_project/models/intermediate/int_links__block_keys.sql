{{ config(pre_hook='{{ take_all_cores() }}') }}

with contact_keys as (

    select * from {{ ref('int_contacts__block_keys') }}

),

company_keys as (

    select * from {{ ref('int_companies__block_keys') }}

),

contact_counts as (

    select
        rule,
        block_key,
        count(*) as contact_count
    from contact_keys
    group by rule, block_key

),

company_counts as (

    select
        rule,
        block_key,
        count(*) as company_count
    from company_keys
    group by rule, block_key

)

select
    contact_counts.rule,
    contact_counts.block_key,
    contact_counts.contact_count,
    company_counts.company_count,
    contact_counts.contact_count * company_counts.company_count as pair_count
from contact_counts
inner join company_counts
    on
        contact_counts.rule = company_counts.rule
        and contact_counts.block_key = company_counts.block_key
