with companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

phones as (

    select
        company_id,
        {{ phone_key('business_phone') }} as phone
    from companies

    union

    select
        company_id,
        {{ phone_key('mobile_phone') }} as phone
    from companies

)

select * from phones
where phone is not null
