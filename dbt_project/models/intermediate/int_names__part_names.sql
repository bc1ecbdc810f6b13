-- The parts of each name, in the form in which names are compared.
with name_parts as (

    select * from {{ ref('int_names__parts') }}

),

names as (

    select * from {{ ref('int_names__normalised') }}

),

cores as (

    select * from {{ ref('int_names__cores') }}

),

found as (

    select distinct
        whole_cores.core_number,
        part_cores.squeezed_name as part
    from name_parts
    inner join names as whole_names on name_parts.written_name = whole_names.written_name
    inner join cores as whole_cores on whole_names.core_name = whole_cores.core_name
    inner join names as part_names on name_parts.part = part_names.written_name
    inner join cores as part_cores on part_names.core_name = part_cores.core_name
)

select
    core_number,
    part
from found
where length(part) >= 3 and not {{ regexp_matches('part', '^[0-9]+$') }}
