with report as (

    {{ override_report(
        ref('int_person_overrides__checked'), ref('contact_person_links'), 'kizen_contact_id'
    ) }}

)

select * from report
