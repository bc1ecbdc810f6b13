with tokens as (

    select * from {{ ref('int_names__tokens') }}

),

token_sums as (

    select
        core_name,
        core_number,
        cast(sum(weight * weight) as bigint) as token_norm,
        max(weight) as heaviest_weight
    from tokens
    group by core_name, core_number

)

select
    core_name,
    core_number,
    {{ squeezed_name('core_name') }} as squeezed_name,
    {{ regexp_replace_all('core_name', '[^0-9]+', '') }} as digits,
    {{ initials('core_name') }} as initials,
    {{ spelled_name('core_name') }} as spelled_name,
    token_norm,
    heaviest_weight
from token_sums
