-- The pairs of persons in one system that share a key; the smaller number stands first.
with own_keys as (

    select * from {{ ref('int_persons__own_keys') }}
    where rule in ({{ "'" ~ duplicate_blocking_rules() | join("', '") ~ "'" }})

),

-- Keys that many have tell nobody from anybody.
block_keys as (

    select
        side,
        rule,
        block_key
    from own_keys
    group by side, rule, block_key
    having count(*) between 2 and {{ var('link_key_companies') }}

)

select distinct
    one.person_number as contact_number,
    other.person_number as kizen_number
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
        and one.person_number < other.person_number
