with report as (

    {{ override_report(
        ref('int_link_overrides__checked'), ref('contact_company_links'), 'company_id'
    ) }}

)

select * from report
