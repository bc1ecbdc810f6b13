with checked as (

    {{ checked_overrides(
        'company_link', ref('link_overrides'), var('link_overrides_table'), 'company_id',
        ref('stg_kizen__companies'), 'company_name', 'company'
    ) }}

)

select * from checked
