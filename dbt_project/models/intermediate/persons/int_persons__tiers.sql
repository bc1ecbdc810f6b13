-- What the best person for each contact rests on, and what makes it unsafe to use unseen.
with ranked as (

    select
        persons.*,
        {{ person_band_evidence('persons') }} as evidence
    from {{ ref('int_persons__ranked') }} as persons

),

tiered as (

    select
        *,
        case
            when first_name_level is null or last_name_level is null then 'part of a name'
            when last_name_level = 'differs' then 'first name'
            when email_level is not null and email_level <> 'differs' then 'email and name'
            when birth_date_level in ('equal', 'swapped', 'slip') then 'birth date and name'
            when phone_level is not null then 'phone and name'
            when address_level in {{ near_home_levels() }} then 'place and name'
            when employer_level = 'equal' then 'employer and name'
            else 'name'
        end as tier
    from ranked

)

select
    *,
    case
        when birth_date_level = 'differs'
            then 'the birth dates differ, as those of two of one name do'
        when birth_date_level = 'generation'
            then 'the birth dates are a generation apart, as those of father and son are'
        when first_name_level = 'differs' then 'the first names differ, as those of twins do'
        when birth_date_level = 'other_year' then 'the birth dates agree but for the year'
        when
            first_name_level = 'near'
            and not (is_one_place and coalesce(birth_date_level, '') = 'equal')
            then 'the first names are nearly the same, and may be two'
        when
            last_name_level = 'near'
            and not (
                coalesce(birth_date_level, '') in ('equal', 'swapped', 'slip')
                or coalesce(email_level, '') = 'equal'
                or coalesce(phone_level, '') = 'equal'
            )
            then 'the last names are nearly the same, and may be two'
        when
            first_name_level is null
            and not (is_one_place and coalesce(birth_date_level, '') = 'equal')
            then 'one side has no first name'
        when first_name_level = 'initial'
            then 'one side has the first letter of the first name alone'
        when
            is_shared and first_name_level in ('short_form', 'slip')
            then
                'several have the address or the number, and the first names are not spelled alike'
        when
            tier in ('first name', 'part of a name')
            and not (
                coalesce(email_level, '') = 'equal'
                and (
                    coalesce(birth_date_level, '') = 'equal'
                    or coalesce(phone_level, '') = 'equal'
                )
                or coalesce(birth_date_level, '') = 'equal'
                and coalesce(address_level, '') in {{ near_home_levels() }}
                and (coalesce(first_name_level, '') = 'equal' or is_one_place)
            )
            then
                case
                    when last_name_level is null then 'one side has no last name'
                    else 'the last names differ'
                end
        when pattern_level is not null
            then 'only other pairs of the account tell that the two are one'
        when tier = 'name' and namesakes_level <> 'none' then 'others bear the name'
        when tier = 'name' and (first_name_level <> 'equal' or last_name_level <> 'equal')
            then 'nothing but the names agrees, and they are not spelled alike'
    end as caution
from tiered
