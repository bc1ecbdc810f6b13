with companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

listed_domains as (

    {{ elements_of('companies', 'domains', ['company_id']) }}

),

websites as (

    select
        company_id,
        website
    from companies

    union all

    select
        company_id,
        coalesce({{ json_text('element', ['name']) }}, {{ json_text('element', []) }}) as website
    from listed_domains

),

hosts as (

    select
        company_id,
        {{ email_host('email') }} as host
    from companies

    union all

    select
        company_id,
        {{ website_host('website') }} as host
    from websites

)

select distinct
    company_id,
    host
from hosts
where {{ is_complete_host('host') }}
