with links as (

    select * from {{ ref('contact_company_links') }}
    where status = 'review'

),

contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

match_keys as (

    select * from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

-- Whoever knows one contact knows those that name the same organisation, or none and have the same
-- kind of evidence for the same company.
alike as (

    select
        links.*,
        count(*) over (
            partition by
                links.company_id,
                match_keys.core_number,
                case
                    when match_keys.core_number is null then coalesce(links.tier, links.contact_id)
                end
        ) as similar_contact_count
    from links
    inner join match_keys on links.contact_id = match_keys.contact_id

),

described as (

    select
        alike.contact_id,
        {{ person_name('contacts') }} as contact_name,
        contacts.organisation,
        contacts.email,
        contacts.city,
        alike.company_id,
        companies.company_name,
        companies.city as company_city,
        alike.runner_up_company_id,
        runners_up.company_name as runner_up_company_name,
        alike.score,
        alike.confidence,
        alike.margin,
        alike.conflict,
        alike.reasons,
        alike.similar_contact_count,
        cast(alike.confidence * alike.similar_contact_count as double) as worth
    from alike
    inner join contacts on alike.contact_id = contacts.contact_id
    inner join companies on alike.company_id = companies.company_id
    left join companies as runners_up
        on alike.runner_up_company_id = runners_up.company_id

)

select
    row_number() over (order by worth desc, company_id asc, contact_id asc) as review_rank,
    *
from described
