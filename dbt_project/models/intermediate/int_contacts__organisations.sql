{{ config(materialized='view') }}

with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

named as (

    select
        contact_id,
        organisation,
        coalesce(full_name, last_name) as own_name,
        first_name is null and lower(contact_type) in (
            {%- for type in var('organisation_contact_types') %}
                '{{ type | lower | replace("'", "''") }}'{{ ',' if not loop.last }}
            {%- endfor %}
        ) as is_organisation_type,
        -- An organisation may have its name in both fields.
        coalesce(
            first_name is not null
            or lower(last_name) <> lower(organisation)
            or lower(full_name) <> lower(organisation),
            false
        ) as has_own_name
    from contacts

)

select
    contact_id,
    case
        when organisation is not null then organisation
        when is_organisation_type then own_name
    end as organisation_name,
    case
        when organisation is not null and has_own_name then 'member of an organisation'
        when organisation is not null then 'organisation'
        when is_organisation_type and own_name is not null then 'organisation'
        else 'person'
    end as contact_kind
from named
