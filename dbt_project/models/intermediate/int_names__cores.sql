with names as (

    select * from {{ ref('int_names__normalised') }}

),

tokens as (

    select * from {{ ref('int_names__tokens') }}

),

cores as (

    select distinct core_name from names

),

token_sums as (

    select
        core_name,
        sum(weight * weight) as token_norm,
        max(weight) as heaviest_weight
    from tokens
    group by core_name

)

select
    cores.core_name,
    {{ squeezed_name('cores.core_name') }} as squeezed_name,
    {{ regexp_replace_all('cores.core_name', '[^0-9]+', '') }} as digits,
    token_sums.token_norm,
    token_sums.heaviest_weight
from cores
inner join token_sums on cores.core_name = token_sums.core_name
