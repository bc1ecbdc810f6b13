-- What speaks for and against the best company of each contact: a row per feature.
{{ config(materialized='view') }}

{%- set features = [
    'name', 'team', 'name_city', 'form', 'contact_missing', 'company_missing', 'rarest_word',
    'contact_rival', 'company_rival', 'name_standing', 'person', 'vat', 'domain',
    'domain_standing', 'phone', 'address', 'city', 'country', 'office',
] %}

with told as (

    {{ told_levels(ref('int_links__tiers'), ['contact_number'], features, 'int_links__levels') }}

)

select * from told
