with checked as (

    {{ checked_overrides(
        ref('person_overrides'), var('person_overrides_table'), 'kizen_contact_id',
        ref('stg_kizen__contacts'), 'person'
    ) }}

)

select * from checked
