select
    rule,
    block_key as key,
    contact_count,
    person_count,
    pair_count
from {{ ref('int_persons__block_keys') }}
where is_left_out
