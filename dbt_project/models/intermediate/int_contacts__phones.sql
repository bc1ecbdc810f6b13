with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

)

{{ phone_keys('contacts', 'contact_id', ['phone'], ['mobile']) }}
