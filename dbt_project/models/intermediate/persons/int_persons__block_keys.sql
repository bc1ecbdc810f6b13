-- The keys that both sides have, and which of them too many have.
{{ config(pre_hook='{{ take_all_cores() }}') }}

with counted as (

    select
        rule,
        block_key,
        count(case when side = 'contact' then 1 end) as contact_count,
        count(case when side = 'person' then 1 end) as person_count
    from {{ ref('int_persons__own_keys') }}
    group by rule, block_key

)

select
    rule,
    block_key,
    contact_count,
    person_count,
    contact_count * person_count as pair_count,
    contact_count * person_count > {{ var('link_key_pairs') }}
    and greatest(contact_count, person_count) > {{ var('link_key_companies') }} as is_left_out
from counted
where contact_count > 0 and person_count > 0
