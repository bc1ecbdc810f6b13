-- The companies' names nearest to each name of a contact by their rarest runs of three letters.
with contacts as (

    select distinct
        core_number,
        coalesce(country, '') as country
    from {{ ref('int_contacts__match_keys') }}
    where core_number is not null

),

companies as (

    select distinct
        core_number,
        coalesce(country, '') as country
    from {{ ref('int_companies__match_keys') }}
    where core_number is not null

),

trigrams as (

    select * from {{ ref('int_names__trigrams') }}

),

norms as (

    select
        core_number,
        cast(sum(weight * weight) as bigint) as norm
    from trigrams
    group by core_number

),

company_grams as (

    select
        companies.core_number,
        companies.country,
        trigrams.gram_number,
        trigrams.weight
    from companies
    inner join trigrams on companies.core_number = trigrams.core_number

),

frequencies as (

    select
        gram_number,
        count(*) as company_count
    from company_grams
    group by gram_number

),

-- A contact's name that a company bears needs no neighbour.
sought as (

    select contacts.*
    from contacts
    left join companies
        on
            contacts.core_number = companies.core_number
            and contacts.country = companies.country
    where companies.core_number is null

),

contact_grams as (

    select
        sought.core_number,
        sought.country,
        trigrams.gram_number,
        sum(frequencies.company_count) over (
            partition by sought.core_number, sought.country
            order by frequencies.company_count, trigrams.gram_number
            rows between unbounded preceding and current row
        ) as looked_at
    from sought
    inner join trigrams on sought.core_number = trigrams.core_number
    inner join frequencies on trigrams.gram_number = frequencies.gram_number

),

shared as (

    select
        contact_grams.core_number as contact_core,
        contact_grams.country,
        company_grams.core_number as company_core,
        cast(sum(company_grams.weight * company_grams.weight) as bigint) as shared_norm
    from contact_grams
    inner join company_grams on contact_grams.gram_number = company_grams.gram_number
    where
        contact_grams.looked_at <= {{ var('link_neighbour_pairs') }}
        and (
            contact_grams.country = company_grams.country
            or contact_grams.country = ''
            or company_grams.country = ''
        )
    group by contact_grams.core_number, contact_grams.country, company_grams.core_number

),

ranked as (

    select
        shared.contact_core,
        shared.country,
        shared.company_core,
        row_number() over (
            partition by shared.contact_core, shared.country
            order by
                shared.shared_norm / sqrt(cast(norms.norm as double)) desc,
                shared.company_core asc
        ) as place
    from shared
    inner join norms on shared.company_core = norms.core_number

)

select
    contact_core,
    country,
    company_core
from ranked
where place <= {{ var('link_neighbours') }}
