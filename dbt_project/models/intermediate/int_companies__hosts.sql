with companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

listed as (

    select
        companies.company_id,
        coalesce(
            {{ json_text('listed_domains.element', ['name']) }},
            {{ json_text('listed_domains.element', []) }}
        ) as website
    from companies
    {{ cross_join_json_array('companies.domains', 'listed_domains') }}

),

hosts as (

    select
        company_id,
        {{ email_host('email') }} as host
    from companies

    union

    select
        company_id,
        {{ website_host('website') }} as host
    from companies

    union

    select
        company_id,
        {{ website_host('website') }} as host
    from listed

)

select * from hosts
where host is not null
