-- One row per pair: the level of each feature, its weight, and their sum. What is not allowed is
-- one person only where the whole account says so (`int_persons__patterns`).
with compared as (

    select * from {{ ref('int_persons__compared') }}

),

pair_weights as (

    select
        level = 'duplicate' as is_duplicate,
        weight
    from {{ ref('person_levels') }}
    where feature = 'pair'

),

judged as (

    select
        *,
        -- Who is born on one day and lives at one place is one, or of one family.
        case
            when
                is_alone
                and birth_date_level = 'equal'
                and address_level in {{ near_home_levels() }}
                then 'none'
        end as families_level,
        coalesce(email_level = 'shared' or phone_level = 'shared', false) as is_shared,
        -- Of one house or place, and nobody is known beside either of them.
        is_alone
        and coalesce(last_name_level, '') in ('equal', 'part', 'slip', 'near')
        and coalesce(address_level, '') in {{ near_home_levels() }} as is_one_place
    from compared

),

allowed as (

    select
        judged.*,
        pair_weights.weight as pair_weight,
        (
            -- Another first name is that of a twin, unless nothing speaks of a family.
            (
                coalesce(judged.first_name_level, '') <> 'differs'
                or coalesce(judged.families_level, '') = 'none'
                or judged.is_alone
                and coalesce(judged.birth_date_level, '') = 'equal'
                and coalesce(judged.last_name_level, '') in ('equal', 'slip')
            )
            -- A father and a son may have one name, one number and one house: dates tell them
            -- apart. What may outweigh a date that is wrong: an e-mail address of one's own, a
            -- street where the name is nobody else's, or that nothing speaks of a family.
            and (
                coalesce(judged.birth_date_level, '') not in ('generation', 'differs')
                or judged.birth_date_level = 'differs'
                and (
                    coalesce(judged.email_level, '') = 'equal'
                    or coalesce(judged.first_name_level, '') = 'equal'
                    and coalesce(judged.last_name_level, '') = 'equal'
                    and coalesce(judged.namesakes_level, '') = 'none'
                    and coalesce(judged.address_level, '') in ('house', 'street')
                )
                or judged.is_one_place
                and coalesce(judged.first_name_level, '') in ('equal', 'slip')
            )
            -- A son may be born on his father's day.
            and (
                coalesce(judged.birth_date_level, '') <> 'other_year'
                or judged.is_one_place
                or not judged.is_shared and coalesce(judged.address_level, '') <> 'house'
            )
            -- Names that are nearly the same may be those of twins, who share a home.
            and (
                coalesce(judged.first_name_level, '') <> 'near'
                or judged.is_one_place
                or coalesce(judged.birth_date_level, '') in ('equal', 'swapped', 'slip')
                and (
                    coalesce(judged.families_level, '') = 'none'
                    or coalesce(judged.email_level, 'differs') = 'differs'
                    and judged.phone_level is null
                    and coalesce(judged.address_level, '') not in {{ near_home_levels() }}
                )
            )
            -- Who shares an address or a number with others is told by the whole first name. Twins
            -- with a part of it in common are not.
            and (
                not judged.is_shared
                or coalesce(judged.first_name_level, '')
                in ('equal', 'swapped', 'short_form', 'slip')
            )
            -- Members of one family may bear names like Noé and Noémie.
            and (
                not judged.is_accompanied
                or coalesce(judged.first_name_level, '') in ('equal', 'swapped', 'slip')
                or coalesce(judged.email_level, '') = 'equal'
                or coalesce(judged.phone_level, '') = 'equal'
                or coalesce(judged.birth_date_level, '') in ('equal', 'swapped', 'slip')
                or coalesce(judged.address_level, '') <> 'house' and not judged.is_shared
            )
        ) as is_allowed
    from judged
    inner join pair_weights on judged.is_duplicate = pair_weights.is_duplicate

)

{{ weighed_levels(
    'allowed',
    person_features() | reject('equalto', 'pattern') | list,
    'agreement',
    extra='levels.pair_weight',
    seed='person_levels'
) }}
