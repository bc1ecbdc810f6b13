with match_keys as (

    select * from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

tokens as (

    select * from {{ ref('int_names__tokens') }}

),

domains as (

    select * from {{ ref('int_contacts__domains') }}

),

phones as (

    select * from {{ ref('int_contacts__phones') }}

),

misspelt as (

    select match_keys.*
    from match_keys
    left join (select distinct squeezed_name from companies) as known
        on match_keys.squeezed_name = known.squeezed_name
    where match_keys.squeezed_name is not null and known.squeezed_name is null

)

{{ shared_block_keys('contact_id') }}

union all

{{ one_letter_less('contact_id') | replace('match_keys', 'misspelt') }}

union all

select
    contact_id,
    'domain_name' as rule,
    {{ squeezed_name("replace(split_part(domain, '.', 1), '-', '')") }} as block_key
from domains

union all

select
    contact_id,
    'colleagues' as rule,
    domain as block_key
from domains
