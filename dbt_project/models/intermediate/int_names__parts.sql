-- The parts of names that are written as several: "UNEF - Union nationale", "Maison (ex Foyer)".
with contacts as (

    select * from {{ ref('int_contacts__organisations') }}

),

companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

written as (

    select organisation_name as written_name from contacts
    where {{ regexp_matches('organisation_name', part_signs()) }}

    union

    select company_name as written_name from companies
    where {{ regexp_matches('company_name', part_signs()) }}

),

marked as (

    select
        written_name,
        {{ regexp_replace_all('written_name', part_signs(), '|') }} as marked_name
    from written

),

parts as (

    {% for part in range(1, 5) %}
        select
            written_name,
            nullif(trim(split_part(marked_name, '|', {{ part }})), '') as part
        from marked
        {%- if not loop.last %}

            union
        {% endif %}
    {%- endfor %}

)

select
    written_name,
    part
from parts
where length(part) >= 3
