with scored as (

    select * from {{ ref('int_links__scored') }}

),

-- What contacts say of a company beside the domain that they share with it, or the name.
testimonies as (

    select
        company_id,
        domain_level in (7, 8, 10) as has_its_domain,
        name_level >= 10 as has_its_name,
        coalesce(phone_level >= 2 or vat_level = 1 or address_level >= 3, false) as is_there,
        coalesce(domain_level >= 5, false) as is_of_its_domain,
        coalesce(domain_level <= 2 or vat_level = 0, false) as is_elsewhere,
        name_level
    from scored
    where domain_level in (7, 8, 10) or name_level >= 10

),

counts as (

    select
        company_id,
        count(case when has_its_domain then 1 end) as domain_holders,
        count(case when has_its_name then 1 end) as name_bearers,
        count(case when has_its_domain and (is_there or name_level >= 5) then 1 end)
            as domain_supporters,
        count(case when has_its_domain and not is_there and name_level <= 1 then 1 end)
            as domain_strangers,
        count(case when has_its_name and (is_there or is_of_its_domain) then 1 end)
            as name_supporters,
        count(
            case
                when has_its_name and is_elsewhere and not is_there and not is_of_its_domain then 1
            end
        ) as name_strangers
    from testimonies
    group by company_id

),

-- Where companies have one contact as a rule, who shares a name or a domain is of another one.
colleagues as (

    select
        count(case when name_supporters >= 1 then 1 end) >= 20
        and count(case when name_supporters >= 2 then 1 end) * 20
        < count(case when name_supporters >= 1 then 1 end) as are_rare
    from counts

),

-- One contact of another name is no second organisation: it may be a former name, or a slip.
judged as (

    select
        counts.company_id,
        counts.domain_strangers >= 2 and counts.domain_strangers > counts.domain_supporters
            as is_domain_disputed,
        counts.domain_strangers >= 1 as is_domain_doubted,
        counts.domain_strangers = 0 and counts.domain_supporters >= 1 as is_domain_confirmed,
        -- A few of a large company's people write from elsewhere, too.
        counts.name_strangers > counts.name_supporters
        and counts.name_strangers * 10 >= counts.name_bearers as is_name_disputed,
        colleagues.are_rare and counts.domain_holders >= 2 as is_domain_of_several,
        colleagues.are_rare and counts.name_bearers >= 2 as is_name_of_several
    from counts
    cross join colleagues

)

select * from judged
where
    is_domain_doubted or is_domain_confirmed or is_name_disputed
    or is_domain_of_several or is_name_of_several
