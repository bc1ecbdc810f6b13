with all_links as (

    select * from {{ ref('contact_company_links') }}

),

links as (

    select * from all_links
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

-- Contacts of one name, also those without a proposal: what is decided about one is a name of the
-- company for all.
waiting_names as (

    select
        match_keys.squeezed_name,
        count(*) as contact_count
    from all_links
    inner join match_keys on all_links.contact_id = match_keys.contact_id
    where all_links.status in ('review', 'none') and match_keys.squeezed_name is not null
    group by match_keys.squeezed_name

),

-- Whoever knows one contact knows those that name the same organisation, or none and have the same
-- kind of evidence for the same company.
alike as (

    select
        links.*,
        match_keys.squeezed_name,
        match_keys.first_domain,
        waiting_names.contact_count as name_count,
        case
            when match_keys.first_domain is not null
                then count(*) over (partition by links.company_id, match_keys.first_domain)
        end as domain_count,
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
    left join waiting_names on match_keys.squeezed_name = waiting_names.squeezed_name

),

settling as (

    select
        *,
        greatest(similar_contact_count, coalesce(name_count, 1), coalesce(domain_count, 1))
            as settled_contact_count,
        row_number() over (
            partition by coalesce(squeezed_name, first_domain, 'contact ' || contact_id)
            order by confidence asc, company_id asc, contact_id asc
        ) as place_in_name
    from alike

),

-- A decision teaches where the proposal may be wrong. What is alike is asked about once first.
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
        cast(alike.confidence * alike.similar_contact_count as double) as worth,
        alike.settled_contact_count,
        cast(
            (1 - alike.confidence)
            * case when alike.place_in_name = 1 then alike.settled_contact_count else 1 end
            as double
        ) as teaching
    from settling as alike
    inner join contacts on alike.contact_id = contacts.contact_id
    inner join companies on alike.company_id = companies.company_id
    left join companies as runners_up
        on alike.runner_up_company_id = runners_up.company_id

),

by_worth as (

    {{ numbered_rows(
        'described', ['worth', 'company_id', 'contact_id'], 'review_rank', descending=['worth']
    ) }}

)

{{ numbered_rows(
    'by_worth', ['teaching', 'company_id', 'contact_id'], 'teaching_rank', descending=['teaching']
) }}
