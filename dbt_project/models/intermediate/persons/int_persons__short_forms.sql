-- First names that are one name, in either order: a short form and its full form, and two short
-- forms of one.
with diminutives as (

    select
        {{ squeezed_name('short_name') }} as short_name,
        {{ squeezed_name('full_name') }} as full_name
    from {{ ref('diminutives') }}

)

select
    short_name,
    full_name
from diminutives

union

select
    full_name as short_name,
    short_name as full_name
from diminutives

union

select
    one.short_name,
    other.short_name as full_name
from diminutives as one
inner join diminutives as other on one.full_name = other.full_name
where one.short_name <> other.short_name
