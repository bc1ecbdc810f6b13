-- One row per pair, before and after comparing and scoring.
with counts as (

    select
        (select count(*) from {{ ref('int_links__pairs') }}) as compared,
        (select count(*) from {{ ref('int_links__scored') }}) as scored,
        (
            select count(*)
            from (select distinct
                contact_id,
                company_id
            from {{ ref('int_links__scored') }})
                as pairs
        ) as pairs

)

select * from counts
where compared <> scored or scored <> pairs
