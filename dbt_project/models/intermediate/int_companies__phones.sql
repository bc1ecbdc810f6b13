with companies as (

    select * from {{ ref('stg_kizen__companies') }}

)

{{ phone_keys('companies', 'company_id', ['business_phone'], ['mobile_phone']) }}
