-- The likeness of two names by their runs of three letters, and how far the next name is behind.
with name_pairs as (

    select * from {{ ref('int_links__name_pairs') }}

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

contact_grams as (

    select
        name_pairs.contact_core,
        name_pairs.company_core,
        trigrams.gram_number
    from name_pairs
    inner join trigrams on name_pairs.contact_core = trigrams.core_number
    where name_pairs.contact_core <> name_pairs.company_core

),

shared as (

    select
        contact_grams.contact_core,
        contact_grams.company_core,
        cast(sum(trigrams.weight * trigrams.weight) as bigint) as shared_norm
    from contact_grams
    inner join trigrams
        on
            contact_grams.company_core = trigrams.core_number
            and contact_grams.gram_number = trigrams.gram_number
    group by contact_grams.contact_core, contact_grams.company_core

),

compared as (

    select
        name_pairs.contact_core,
        name_pairs.company_core,
        case
            when name_pairs.contact_core = name_pairs.company_core then 100
            else cast(floor(
                100 * coalesce(shared.shared_norm, 0)
                / sqrt(cast(contact_norms.norm as double) * company_norms.norm)
            ) as integer)
        end as cosine,
        case
            when name_pairs.contact_core = name_pairs.company_core then 100
            else cast(floor(
                100.0 * coalesce(shared.shared_norm, 0)
                / least(contact_norms.norm, company_norms.norm)
            ) as integer)
        end as containment
    from name_pairs
    inner join norms as contact_norms on name_pairs.contact_core = contact_norms.core_number
    inner join norms as company_norms on name_pairs.company_core = company_norms.core_number
    left join shared
        on
            name_pairs.contact_core = shared.contact_core
            and name_pairs.company_core = shared.company_core

),

ranked as (

    select
        *,
        row_number() over (partition by contact_core order by cosine desc, company_core asc)
            as contact_place,
        row_number() over (partition by company_core order by cosine desc, contact_core asc)
            as company_place
    from compared

),

-- The best two of each name: a name's rival is the best of the others.
contact_best as (

    select
        contact_core,
        max(case when contact_place = 1 then cosine end) as first_cosine,
        max(case when contact_place = 2 then cosine end) as second_cosine
    from ranked
    where contact_place <= 2
    group by contact_core

),

company_best as (

    select
        company_core,
        max(case when company_place = 1 then cosine end) as first_cosine,
        max(case when company_place = 2 then cosine end) as second_cosine
    from ranked
    where company_place <= 2
    group by company_core

)

select
    ranked.contact_core,
    ranked.company_core,
    ranked.cosine,
    ranked.containment,
    ranked.cosine - coalesce(
        case
            when ranked.contact_place = 1 then contact_best.second_cosine
            else contact_best.first_cosine
        end,
        0
    ) as contact_lead,
    ranked.cosine - coalesce(
        case
            when ranked.company_place = 1 then company_best.second_cosine
            else company_best.first_cosine
        end,
        0
    ) as company_lead
from ranked
inner join contact_best on ranked.contact_core = contact_best.contact_core
inner join company_best on ranked.company_core = company_best.company_core
