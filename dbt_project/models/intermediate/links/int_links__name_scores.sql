-- The weight of each level of a pair of names, and their sum.
with name_levels as (

    select * from {{ ref('int_links__name_levels') }}

)

{{ weighed_levels('name_levels', name_features(), 'name_score') }}
