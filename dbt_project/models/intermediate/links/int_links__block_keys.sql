{{ config(pre_hook='{{ take_all_cores() }}') }}

with contact_keys as (

    select * from {{ ref('int_contacts__block_keys') }}

),

company_keys as (

    select * from {{ ref('int_companies__block_keys') }}

),

company_counts as (

    select
        rule,
        block_key,
        count(*) as company_count
    from company_keys
    group by rule, block_key

),

-- Most keys of contacts are no company's: they are left out before they are counted.
shared_keys as (

    select
        contact_keys.rule,
        contact_keys.block_key,
        company_counts.company_count
    from contact_keys
    inner join company_counts
        on
            contact_keys.rule = company_counts.rule
            and contact_keys.block_key = company_counts.block_key

)

select
    rule,
    block_key,
    count(*) as contact_count,
    company_count,
    count(*) * company_count as pair_count,
    count(*) * company_count > {{ var('link_key_pairs') }}
    and company_count > {{ var('link_key_companies') }} as is_left_out
from shared_keys
group by rule, block_key, company_count
