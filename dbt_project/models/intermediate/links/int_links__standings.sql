-- What the contacts of a company together say of its name and its domain; one row per company of
-- which they say anything.
with compared as (

    select * from {{ ref('int_links__compared') }}

),

-- What contacts say of a company beside the domain that they share with it, or the name.
testimonies as (

    select
        company_number,
        coalesce(domain_level in ('own', 'colleagues', 'spelled_own'), false)
            as has_its_domain,
        coalesce(name_level in ('exact', 'generic'), false) as has_its_name,
        coalesce(
            phone_level in ('equal', 'same_office')
            or vat_level = 'equal'
            or address_level in ('house', 'rare_house')
            or person_level in ('primary', 'additional'),
            false
        ) as is_there,
        coalesce(
            domain_level in (
                'own', 'own_address', 'shared', 'colleagues', 'spelled_own',
                'spells_name', 'first_words', 'first_word'
            ),
            false
        ) as is_of_its_domain,
        coalesce(
            domain_level in (
                'of_other', 'other_own', 'other_ending', 'other_city'
            )
            or vat_level = 'differ',
            false
        ) as is_elsewhere,
        coalesce(
            name_level in ('exact', 'generic', 'alias', 'same_words', 'one_slip', 'weak_words'),
            false
        ) as names_it,
        coalesce(name_level in ('different', 'some_words', 'other_number'), false) as names_another
    from compared

),

counts as (

    select
        company_number,
        count(case when has_its_domain then 1 end) as domain_holders,
        count(case when has_its_name then 1 end) as name_bearers,
        count(case when has_its_domain and (is_there or names_it) then 1 end) as domain_supporters,
        count(case when has_its_domain and not is_there and names_another then 1 end)
            as domain_strangers,
        count(case when has_its_name and (is_there or is_of_its_domain) then 1 end)
            as name_supporters,
        count(
            case
                when has_its_name and is_elsewhere and not is_there and not is_of_its_domain then 1
            end
        ) as name_strangers
    from testimonies
    where has_its_domain or has_its_name
    group by company_number

),

-- Where companies have one contact as a rule, who shares a name or a domain is of another one.
colleagues as (

    select
        count(case when name_supporters >= 1 then 1 end) >= 20
        and count(case when name_supporters >= 2 then 1 end) * 20
        < count(case when name_supporters >= 1 then 1 end) as are_rare
    from counts

)

-- One contact of another name is no second organisation: it may be a former name, or a slip.
select
    counts.company_number,
    case
        when counts.domain_strangers >= 2 and counts.domain_strangers > counts.domain_supporters
            then 'disputed'
        when counts.domain_strangers >= 1 then 'doubted'
        when colleagues.are_rare and counts.domain_holders >= 2 then 'of_several'
        when counts.domain_supporters >= 1 then 'confirmed'
    end as domain_standing,
    case
        -- A few of a large company's people write from elsewhere, too.
        when
            counts.name_strangers > counts.name_supporters
            and counts.name_strangers * 10 >= counts.name_bearers
            then 'disputed'
        when colleagues.are_rare and counts.name_bearers >= 2 then 'of_several'
    end as name_standing
from counts
cross join colleagues
