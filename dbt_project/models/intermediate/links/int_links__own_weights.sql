-- The account's own weights of levels, as its file has them.
with weights as (

    {{ own_weights_file() }}

)

select
    feature,
    level,
    weight as written_weight,
    cast({{ try_to_number('weight') }} as integer) as weight
from weights
