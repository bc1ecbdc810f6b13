with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

written as (

    select vat_number as written_vat_number from contacts
    where vat_number is not null

    union

    select vat_number as written_vat_number from companies
    where vat_number is not null

),

plain as (

    select
        written_vat_number,
        {{ regexp_replace_all('upper(written_vat_number)', '[^A-Z0-9]', '') }} as signs
    from written

),

parts as (

    select
        written_vat_number,
        left(signs, 2) as country,
        {{ regexp_replace_all('signs', '^(CHE|[A-Z]{2})|(MWST|TVA|IVA)$', '') }} as national_number
    from plain

)

select
    written_vat_number,
    case
        when
            {{ regexp_matches('national_number', '^[A-Z0-9]?[0-9]{6,10}[A-Z0-9]{1,4}$') }}
            and not {{ regexp_matches('national_number', '^(0+|1+|9+|12345678[0-9]*)$') }}
            and coalesce({{ vat_check('country', 'national_number') }}, true)
            then national_number
    end as vat_number
from parts
