-- What the whole account tells of pairs that the rules leave open: two of whom neither has anybody
-- else. How often do two different persons agree in such a pattern? The pairs within either system
-- say so: they are two, whether twins, father and son, or strangers by chance. Where far more pairs
-- agree so across the systems, most of these are one person.
with person_levels as (

    select
        feature,
        level,
        coalesce(speaks, 'neither') as speaks
    from {{ ref('person_levels') }}

),

-- A pattern is whether each feature speaks for the pair, in part, against it, or neither; null
-- where a side says nothing. Two who are alone at one house are one pattern, whatever else differs.
weighed as (

    select
        pairs.*,
        pairs.is_alone and coalesce(pairs.address_level, '') = 'house' as is_one_house,
        -- Few of one house are Noé and Noémie, and most of those are in either system.
        coalesce(pairs.address_level, '') = 'house'
        and coalesce(pairs.first_name_level, '') in ('near', 'short_form') as is_alike_at_home,
        first_name_of.speaks as first_name_speaks,
        last_name_of.speaks as last_name_speaks,
        birth_date_of.speaks as birth_date_speaks,
        address_of.speaks as address_speaks
    from {{ ref('int_persons__weighed') }} as pairs
    left join person_levels as first_name_of
        on
            first_name_of.feature = 'first_name'
            and pairs.first_name_level = first_name_of.level
    left join person_levels as last_name_of
        on
            last_name_of.feature = 'last_name'
            and pairs.last_name_level = last_name_of.level
    left join person_levels as birth_date_of
        on
            birth_date_of.feature = 'birth_date'
            and pairs.birth_date_level = birth_date_of.level
    left join person_levels as address_of
        on
            address_of.feature = 'address'
            and pairs.address_level = address_of.level

),

-- From this sum on, nearly all links by the rules alone are right.
linked_pairs as (

    select
        contact_number,
        kizen_number,
        is_one_house
    from weighed
    where not is_duplicate and is_allowed and agreement >= 5

),

-- Who has somebody by the rules alone.
linked as (

    select contact_number as person_number
    from linked_pairs

    union

    select kizen_number
    from linked_pairs

),

-- Of two who are alike, as twins, each has somebody, unless the other system lacks both.
systems as (

    select
        persons.side,
        (count(*) - count(linked.person_number)) / cast(count(*) as double) as unlinked_share
    from {{ ref('int_persons__keys') }} as persons
    left join linked on persons.person_number = linked.person_number
    group by persons.side

),

account as (

    select
        max(case when side = 'contact' then unlinked_share end)
        * max(case when side = 'person' then unlinked_share end) as unlinked_share
    from systems

),

-- Where each system has one of each family, two at one house often have other first names.
houses as (

    select count(*) as linked_count
    from linked_pairs
    where is_one_house

),

open_pairs as (

    select
        weighed.contact_number,
        weighed.kizen_number,
        case
            when weighed.is_one_house then 'one house'
            else
                coalesce(weighed.first_name_speaks, 'any') || ', '
                || coalesce(weighed.last_name_speaks, 'any') || ', '
                || coalesce(weighed.birth_date_speaks, 'any') || ', '
                || coalesce(weighed.address_speaks, 'any')
        end as pattern
    from weighed
    inner join {{ ref('int_persons__candidates') }} as candidates
        on
            weighed.contact_number = candidates.contact_number
            and weighed.kizen_number = candidates.kizen_number
    left join linked as linked_contacts on weighed.contact_number = linked_contacts.person_number
    left join linked as linked_people on weighed.kizen_number = linked_people.person_number
    where
        not weighed.is_duplicate
        and linked_contacts.person_number is null
        and linked_people.person_number is null
        -- Two of one system who share no such key are not compared, and so not counted.
        and candidates.by_rare_key = 1
        and weighed.agreement >= -40
        -- Two of a family are never linked, however many there are.
        and (
            weighed.first_name_level in ('equal', 'swapped', 'slip', 'short_form')
            or weighed.birth_date_level in ('equal', 'swapped', 'slip')
            or weighed.is_alone and weighed.first_name_level in ('near', 'part')
            or weighed.is_one_house
            or weighed.is_alike_at_home
        )
        and coalesce(weighed.email_level, 'differs') = 'differs'
        and weighed.phone_level is null
        and (
            weighed.is_alone
            or weighed.is_alike_at_home
            or coalesce(weighed.address_level, '') <> 'house'
        )

),

across_systems as (

    select
        pattern,
        count(*) as pair_count
    from open_pairs
    group by pattern

),

two_of_one_system as (

    select
        coalesce(first_name_speaks, 'unknown') as first_name_speaks,
        coalesce(last_name_speaks, 'unknown') as last_name_speaks,
        coalesce(birth_date_speaks, 'unknown') as birth_date_speaks,
        coalesce(address_speaks, 'unknown') as address_speaks
    from weighed
    where is_duplicate

),

-- Where a pair across says nothing, all within count.
in_one_system as (

    select
        coalesce(first_name_speaks, 'any') || ', '
        || coalesce(last_name_speaks, 'any') || ', '
        || coalesce(birth_date_speaks, 'any') || ', '
        || coalesce(address_speaks, 'any') as pattern,
        count(*) as pair_count
    from two_of_one_system
    group by cube (first_name_speaks, last_name_speaks, birth_date_speaks, address_speaks)

    union all

    select
        'one house' as pattern,
        count(*) as pair_count
    from weighed
    where is_duplicate and address_level = 'house'

),

patterns as (

    select
        across_systems.pattern,
        across_systems.pair_count as across_count,
        coalesce(in_one_system.pair_count, 0) as within_count,
        (coalesce(in_one_system.pair_count, 0) + 1) * account.unlinked_share as expected_count,
        across_systems.pattern = 'one house'
        and across_systems.pair_count * 10 > houses.linked_count as may_be_families
    from across_systems
    left join in_one_system on across_systems.pattern = in_one_system.pattern
    cross join account
    cross join houses

)

select
    open_pairs.contact_number,
    open_pairs.kizen_number,
    patterns.across_count,
    patterns.within_count,
    case
        when patterns.across_count < 2 or patterns.may_be_families then null
        when patterns.across_count >= 5 * patterns.expected_count then 'many'
        when patterns.across_count >= 2 * patterns.expected_count then 'more'
    end as pattern_level
from open_pairs
inner join patterns on open_pairs.pattern = patterns.pattern
