with checked as (

    {{ checked_overrides(
        'person_link', ref('person_overrides'), var('person_overrides_table'), 'kizen_contact_id',
        ref('stg_kizen__contacts'), person_name('linked'), 'person'
    ) }}

)

select * from checked
