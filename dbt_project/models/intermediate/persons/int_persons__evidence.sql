-- What speaks for and against the best person for each contact: a row per feature.
{{ config(materialized='view') }}

with told as (

    {{ told_levels(
        ref('int_persons__tiers'), ['contact_number'], person_features(), 'person_levels'
    ) }}

)

select * from told
