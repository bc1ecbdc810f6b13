-- How two names agree: one row per pair of names, a level per feature.
with all_letters as (

    select * from {{ ref('int_links__name_letters') }}

),

name_pairs as (

    select * from {{ ref('int_links__compared_names') }}

),

name_letters as (

    select all_letters.*
    from name_pairs
    inner join all_letters
        on
            name_pairs.contact_core = all_letters.contact_core
            and name_pairs.company_core = all_letters.company_core

),

name_words as (

    select * from {{ ref('int_links__name_words') }}

),

name_parts as (

    select * from {{ ref('int_links__name_parts') }}

),

names as (

    select * from {{ ref('int_names__cores') }}

),

token_sums as (

    {{ token_sums(ref('int_names__tokens')) }}

),

contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

-- A slip of the finger is made once; what several contacts write is likely to be a name.
spellings as (

    select
        core_number,
        count(*) as contact_count
    from contacts
    where core_number is not null
    group by core_number

),

shares as (

    select * from {{ ref('int_links__name_shares') }}

),

-- How rare what two names share would have to be, to be shared by one company alone.
company_rarity as (

    select cast(round(10 * ln(greatest(count(*), 1))) as integer) as rarity
    from companies

),

named as (

    select
        name_letters.*,
        contact_names.squeezed_name as contact_name,
        company_names.squeezed_name as company_name,
        contact_names.squeezed_name = company_names.squeezed_name as is_equal,
        contact_names.initials as contact_initials,
        contact_names.full_initials as contact_full_initials,
        contact_names.long_initials as contact_long_initials,
        company_names.initials as company_initials,
        company_names.full_initials as company_full_initials,
        company_names.long_initials as company_long_initials,
        contact_names.digits as contact_digits,
        company_names.digits as company_digits,
        contact_names.team as contact_team,
        company_names.team as company_team,
        least(length(contact_names.squeezed_name), length(company_names.squeezed_name))
            as shorter_length,
        greatest(length(contact_names.squeezed_name), length(company_names.squeezed_name))
            as longer_length
    from name_letters
    inner join names as contact_names on name_letters.contact_core = contact_names.core_number
    inner join names as company_names on name_letters.company_core = company_names.core_number

),

measured as (

    select
        named.*,
        spellings.contact_count,
        name_parts.part_level,
        token_sums.heaviest_weight,
        token_sums.is_generic,
        case
            when named.is_equal then 100
            else cast(
                floor(name_words.contact_covered_weight / name_words.contact_weight) as integer
            )
        end as contact_covered,
        case
            when named.is_equal then 100
            else cast(
                floor(name_words.company_covered_weight / name_words.company_weight) as integer
            )
        end as company_covered,
        case
            when named.is_equal then 2
            else
                case when name_words.contact_first_agreement >= 80 then 1 else 0 end
                + case when name_words.company_first_agreement >= 80 then 1 else 0 end
        end as agreeing_first_words,
        case when named.is_equal then 0 else name_words.contact_missing_weight end
            as contact_missing,
        case when named.is_equal then 0 else name_words.company_missing_weight end
            as company_missing,
        coalesce(name_words.rarest_shared_weight, token_sums.heaviest_weight) as rarest_shared,
        cast(floor(
            coalesce(
                name_words.contact_covered_weight / 100, token_sums.token_weight
            ) - company_rarity.rarity
        ) as integer) as shared_rarity,
        shares.alike_share,
        shares.equal_share
    from named
    inner join token_sums on named.contact_core = token_sums.core_number
    inner join spellings on named.contact_core = spellings.core_number
    cross join company_rarity
    cross join shares
    left join name_words
        on
            named.contact_core = name_words.contact_core
            and named.company_core = name_words.company_core
    left join name_parts
        on
            named.contact_core = name_parts.contact_core
            and named.company_core = name_parts.company_core

),

-- Letters are compared one by one only where the runs of three are much the same.
with_edits as (

    select
        *,
        case
            when is_equal then 0
            when cosine < 35 or longer_length - shorter_length > 2 then longer_length
            else {{ edit_distance('contact_name', 'company_name') }}
        end as edits
    from measured

),

-- Two letters that changed places are one slip of the finger, and two edits.
with_slips as (

    select
        *,
        case
            when shorter_length < 5 or left(contact_name, 1) <> left(company_name, 1) then false
            when edits = 1 then true
            when edits = 2 and shorter_length = longer_length
                then
                    translate(contact_name, company_name, '') = ''
                    and translate(company_name, contact_name, '') = ''
            else false
        end as is_one_slip
    from with_edits

)

select
    contact_core,
    company_core,
    case
        when is_equal and (heaviest_weight < 40 or is_generic) then 'generic'
        when is_equal then 'exact'
        when contact_digits <> company_digits and contact_digits <> '' and company_digits <> ''
            then 'other_number'
        when cosine = 100 or (contact_covered = 100 and company_covered = 100) then 'same_words'
        when is_one_slip and contact_count = 1 then 'one_slip'
        when is_one_slip then 'shared_slip'
        when part_level = 'part' then 'part'
        when
            length(contact_name) >= 3
            and contact_name
            in (company_initials, company_full_initials, company_long_initials)
            or length(company_name) >= 3
            and company_name in (contact_initials, contact_full_initials, contact_long_initials)
            then 'initials'
        when part_level = 'part_word' then 'part_word'
        when
            shorter_length >= 10
            and left(contact_name, shorter_length) = left(company_name, shorter_length)
            then 'beginning'
        when contact_covered >= 80 and company_covered >= 80 then 'covered'
        when contact_covered = 100 and company_missing <= 20 then 'weak_words'
        when company_covered = 100 and contact_missing <= 20 then 'weak_words'
        when company_covered >= 95 then 'contains'
        when contact_covered >= 95 then 'contained'
        when rarest_shared > 0 then 'some_words'
        else 'different'
    end as name_level,
    {{ band_level('cosine', [97, 90, 80, 70, 60, 50, 40, 30, 20, 10]) }} as letters_level,
    {{ band_level('contact_covered', [98, 90, 80, 70, 55, 40, 20]) }} as contact_words_level,
    {{ band_level('company_covered', [98, 90, 80, 70, 55, 40, 20]) }} as company_words_level,
    case agreeing_first_words when 2 then 'both' when 1 then 'one' else 'none' end
        as first_word_level,
    {{ band_level('contact_missing', [65, 50, 35, 20, 5]) }} as contact_missing_level,
    {{ band_level('company_missing', [65, 50, 35, 20, 5]) }} as company_missing_level,
    {{ band_level('rarest_shared', [65, 50, 40, 25, 10, 1]) }} as rarest_word_level,
    {{ band_level('shared_rarity + 60', [160, 130, 110, 90, 75, 60, 45, 30]) }}
        as shared_rarity_level,
    {{ band_level('contact_lead + 20', [55, 40, 32, 25, 21, 15, 1]) }} as contact_rival_level,
    {{ band_level('company_lead + 20', [55, 40, 32, 25, 21, 15, 1]) }} as company_rival_level,
    case
        when contact_team <> company_team then 'differs'
        when contact_team <> '' then 'same'
    end as team_level,
    -- Too few names to tell a share are taken for what is usual.
    case
        when is_equal then null
        when alike_share < 20 then 'few'
        else 'many'
    end as names_alike_level,
    case
        when is_equal then null
        when equal_share < 33 then 'rarely'
        else 'often'
    end as names_equal_level
from with_slips
