with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

phones as (

    select
        contact_id,
        {{ phone_key('phone') }} as phone
    from contacts

    union

    select
        contact_id,
        {{ phone_key('mobile') }} as phone
    from contacts

)

select * from phones
where phone is not null
