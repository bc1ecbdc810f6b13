select
    rule,
    block_key as key,
    contact_count,
    company_count,
    pair_count
from {{ ref('int_links__block_keys') }}
where is_left_out
