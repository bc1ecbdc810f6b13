{{ config(materialized='view') }}

{%- set match_keys = ref('int_contacts__match_keys') -%}
{%- set tokens = ref('int_names__tokens') -%}
{%- set parts = ref('int_names__part_names') %}

with companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

learned_domains as (

    select * from {{ ref('int_companies__learned_domains') }}

),

domains as (

    select
        match_keys.contact_number,
        domains.contact_id,
        domains.domain
    from {{ ref('int_contacts__domains') }} as domains
    inner join {{ match_keys }} as match_keys on domains.contact_id = match_keys.contact_id

),

phones as (

    select
        match_keys.contact_number,
        phones.phone
    from {{ ref('int_contacts__phones') }} as phones
    inner join {{ match_keys }} as match_keys on phones.contact_id = match_keys.contact_id

),

known_names as (

    select distinct squeezed_name from companies

),

misspelt as (

    select
        match_keys.contact_number,
        match_keys.squeezed_name
    from {{ match_keys }} as match_keys
    left join known_names on match_keys.squeezed_name = known_names.squeezed_name
    where known_names.squeezed_name is null

)

{{ shared_block_keys('contact_number', match_keys, tokens, parts) }}

union all

{{ sought_halves('contact_number') }}

union all

select
    contact_number,
    'domain_name' as rule,
    {{ domain_label('domain') }} as block_key
from domains

union all

-- What a contact says itself is no evidence for itself: a colleague has to say it too.
select
    domains.contact_number,
    'colleagues' as rule,
    domains.domain as block_key
from domains
inner join learned_domains on domains.domain = learned_domains.domain
where
    domains.contact_id <> learned_domains.first_contact_id
    or domains.contact_id <> learned_domains.last_contact_id

union all

select
    match_keys.contact_number,
    'letters' as rule,
    '' || neighbours.company_core as block_key
from {{ match_keys }} as match_keys
inner join {{ ref('int_links__name_neighbours') }} as neighbours
    on
        match_keys.core_number = neighbours.contact_core
        and coalesce(match_keys.country, '') = neighbours.country

union all

select
    contact_number,
    'person' as rule,
    '' || company_number as block_key
from {{ ref('int_links__person_companies') }}

union all

select
    match_keys.contact_number,
    'alias' as rule,
    '' || aliases.company_number as block_key
from {{ match_keys }} as match_keys
inner join {{ ref('int_names__aliases') }} as aliases
    on match_keys.squeezed_name = aliases.squeezed_name
where aliases.is_active
