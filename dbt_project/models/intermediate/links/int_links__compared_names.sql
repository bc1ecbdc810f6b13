with pairs as (

    select * from {{ ref('int_links__pairs') }}

)

-- Many contacts write one name: each two names are looked at once.
select distinct
    contact_core,
    company_core
from pairs
where contact_core is not null and company_core is not null
