{{ config(materialized='view') }}

{{ link_changes(
    ref('contact_person_link_history'), ref('contact_person_links'), 'kizen_contact_id', 'person'
) }}
