{{ config(materialized='view') }}

{{ link_changes(
    ref('contact_company_link_history'), ref('contact_company_links'), 'company_id', 'company'
) }}
