with match_keys as (

    select * from {{ ref('int_companies__match_keys') }}

),

tokens as (

    select * from {{ ref('int_names__tokens') }}

),

domains as (

    select * from {{ ref('int_companies__domains') }}

),

learned_domains as (

    select * from {{ ref('int_companies__learned_domains') }}

),

phones as (

    select * from {{ ref('int_companies__phones') }}

)

{{ shared_block_keys('company_id') }}

union all

{{ one_letter_less('company_id') }}

union all

select
    company_id,
    'domain_name' as rule,
    squeezed_name as block_key
from match_keys
where squeezed_name is not null

union all

select
    company_id,
    'colleagues' as rule,
    domain as block_key
from learned_domains
