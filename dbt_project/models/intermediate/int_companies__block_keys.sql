{{ config(materialized='view') }}

{%- set match_keys = ref('int_companies__match_keys') -%}
{%- set tokens = ref('int_names__tokens') -%}
{%- set parts = ref('int_names__part_names') -%}
{%- set other_places = ref('int_companies__other_places') %}

with domains as (

    select
        match_keys.company_number,
        domains.domain
    from {{ ref('int_companies__domains') }} as domains
    inner join {{ match_keys }} as match_keys on domains.company_id = match_keys.company_id

),

learned_domains as (

    select
        match_keys.company_number,
        learned_domains.domain
    from {{ ref('int_companies__learned_domains') }} as learned_domains
    inner join {{ match_keys }} as match_keys on learned_domains.company_id = match_keys.company_id

),

phones as (

    select
        match_keys.company_number,
        phones.phone
    from {{ ref('int_companies__phones') }} as phones
    inner join {{ match_keys }} as match_keys on phones.company_id = match_keys.company_id

)

{{ shared_block_keys('company_number', match_keys, tokens, parts) }}

union all

{{ name_halves('company_number', match_keys) }}

union all

select
    company_number,
    'domain_name' as rule,
    squeezed_name as block_key
from {{ match_keys }}
where squeezed_name is not null

union all

select
    company_number,
    'domain_name' as rule,
    spelled_name as block_key
from {{ match_keys }}
where spelled_name <> squeezed_name and length(spelled_name) >= 4

union all

select
    company_number,
    'domain_name' as rule,
    spelled_name || city as block_key
from {{ match_keys }}
where length(spelled_name) >= 4 and city is not null

union all

-- A domain may be the first word of the name, or the first two, and a name its initials.
select
    company_number,
    'domain_name' as rule,
    first_word as block_key
from {{ match_keys }}
where first_domain is null and length(first_word) >= 4

union all

select
    company_number,
    'domain_name' as rule,
    first_words as block_key
from {{ match_keys }}
where first_domain is null and length(first_words) >= 4

union all

select
    company_number,
    'name' as rule,
    initials as block_key
from {{ match_keys }}
where length(initials) >= 3 and initials <> squeezed_name

union all

select
    company_number,
    'colleagues' as rule,
    domain as block_key
from learned_domains

union all

{{ place_keys('company_number', other_places) }}

union all

select
    match_keys.company_number,
    'letters' as rule,
    '' || match_keys.core_number as block_key
from {{ match_keys }} as match_keys
where match_keys.core_number is not null

union all

select distinct
    company_number,
    'person' as rule,
    '' || company_number as block_key
from {{ ref('int_links__person_companies') }}

union all

select distinct
    company_number,
    'alias' as rule,
    '' || company_number as block_key
from {{ ref('int_names__aliases') }}
where is_active
