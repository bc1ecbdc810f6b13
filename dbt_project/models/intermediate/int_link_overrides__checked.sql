with checked as (

    {{ checked_overrides(
        ref('link_overrides'), var('link_overrides_table'), 'company_id',
        ref('stg_kizen__companies'), 'company'
    ) }}

)

select * from checked
