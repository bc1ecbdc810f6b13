-- How much of each name the other one covers, word by word: agreement in hundredths.
with name_pairs as (

    select * from {{ ref('int_links__compared_names') }}
    where contact_core <> company_core

),

names as (

    select * from {{ ref('int_names__cores') }}

),

tokens as (

    select * from {{ ref('int_names__tokens') }}

),

-- Each name is looked at from its own side.
sides as (

    select
        contact_core,
        company_core,
        'contact' as side,
        contact_core as core_number,
        company_core as other_core
    from name_pairs

    union all

    select
        contact_core,
        company_core,
        'company' as side,
        company_core as core_number,
        contact_core as other_core
    from name_pairs

),

words as (

    select
        sides.contact_core,
        sides.company_core,
        sides.side,
        sides.other_core,
        tokens.token,
        tokens.token_number,
        tokens.place,
        tokens.weight
    from sides
    inner join tokens on sides.core_number = tokens.core_number

),

-- Words agree only where they begin with one letter.
word_pairs as (

    select
        words.contact_core,
        words.company_core,
        words.token_number as contact_token,
        tokens.token_number as company_token,
        words.token as contact_word,
        tokens.token as company_word
    from words
    inner join tokens
        on
            words.other_core = tokens.core_number
            and left(words.token, 1) = left(tokens.token, 1)
    where words.side = 'contact'

),

different_words as (

    select distinct
        contact_token,
        company_token,
        case
            when length(contact_word) < length(company_word) then contact_word
            else company_word
        end as shorter,
        case
            when length(contact_word) < length(company_word) then company_word
            else contact_word
        end as longer
    from word_pairs
    where contact_token <> company_token

),

compared_words as (

    select
        contact_token,
        company_token,
        {{ word_agreement('shorter', 'longer') }} as agreement
    from different_words

),

agreeing_words as (

    select
        word_pairs.contact_core,
        word_pairs.company_core,
        word_pairs.contact_token,
        word_pairs.company_token,
        case
            when word_pairs.contact_token = word_pairs.company_token then 100
            else compared_words.agreement
        end as agreement
    from word_pairs
    left join compared_words
        on
            word_pairs.contact_token = compared_words.contact_token
            and word_pairs.company_token = compared_words.company_token

),

joined_tokens as (

    select
        tokens.core_number,
        tokens.place,
        tokens.token || next_tokens.token as joined_token
    from tokens
    inner join tokens as next_tokens
        on
            tokens.core_number = next_tokens.core_number
            and tokens.place + 1 = next_tokens.place

),

-- A word may be made of some of the other name's: FC of Football Club, PRESQUILE of PRESQU ILE.
runs as (

    select
        words.contact_core,
        words.company_core,
        words.side,
        words.token_number,
        words.other_core,
        instr(names.initials, words.token) as first_place,
        length(words.token) as word_count,
        85 as agreement
    from words
    inner join names on words.other_core = names.core_number
    where
        length(words.token) between 2 and 6
        and instr(names.initials, words.token) > 0

    union all

    -- AAFP of Association Aide Familiale Populaire, whose core name begins with its second word.
    select
        words.contact_core,
        words.company_core,
        words.side,
        words.token_number,
        words.other_core,
        1 as first_place,
        length(words.token) + length(names.initials) - length(names.full_initials) as word_count,
        85 as agreement
    from words
    inner join names on words.other_core = names.core_number
    where
        length(words.token) between 3 and 6
        and left(names.full_initials, length(words.token)) = words.token
        and instr(names.initials, words.token) = 0

    union all

    -- GAK of Grazer AK.
    select
        words.contact_core,
        words.company_core,
        words.side,
        words.token_number,
        words.other_core,
        1 as first_place,
        length(words.token) as word_count,
        85 as agreement
    from words
    inner join names
        on words.other_core = names.core_number and words.token = names.long_initials
    where length(words.token) between 3 and 6 and names.long_initials <> names.initials

    union all

    select
        words.contact_core,
        words.company_core,
        words.side,
        words.token_number,
        words.other_core,
        joined_tokens.place as first_place,
        2 as word_count,
        95 as agreement
    from words
    inner join joined_tokens
        on
            words.other_core = joined_tokens.core_number
            and words.token = joined_tokens.joined_token

),

agreements as (

    select
        contact_core,
        company_core,
        'contact' as side,
        contact_token as token_number,
        agreement
    from agreeing_words
    where agreement is not null

    union all

    select
        contact_core,
        company_core,
        'company' as side,
        company_token as token_number,
        agreement
    from agreeing_words
    where agreement is not null

    union all

    select
        contact_core,
        company_core,
        side,
        token_number,
        agreement
    from runs

    union all

    select
        runs.contact_core,
        runs.company_core,
        case runs.side when 'contact' then 'company' else 'contact' end as side,
        tokens.token_number,
        runs.agreement
    from runs
    inner join tokens
        on
            runs.other_core = tokens.core_number
            and runs.first_place <= tokens.place
            and runs.first_place + runs.word_count > tokens.place

),

-- A word counts as far as its best counterpart agrees.
best_agreements as (

    select
        contact_core,
        company_core,
        side,
        token_number,
        max(agreement) as agreement
    from agreements
    group by contact_core, company_core, side, token_number

),

covered_words as (

    select
        words.contact_core,
        words.company_core,
        words.side,
        words.place,
        words.weight,
        coalesce(best_agreements.agreement, 0) as agreement
    from words
    left join best_agreements
        on
            words.contact_core = best_agreements.contact_core
            and words.company_core = best_agreements.company_core
            and words.side = best_agreements.side
            and words.token_number = best_agreements.token_number

)

select
    contact_core,
    company_core,
    {%- for side in ['contact', 'company'] %}
        cast(sum(case when side = '{{ side }}' then weight end) as integer) as {{ side }}_weight,
        cast(sum(case when side = '{{ side }}' then weight * agreement end) as integer)
            as {{ side }}_covered_weight,
        max(case when side = '{{ side }}' and place = 1 then agreement end)
            as {{ side }}_first_agreement,
        max(case when side = '{{ side }}' and agreement < 50 then weight else 0 end)
            as {{ side }}_missing_weight,
    {%- endfor %}
    max(case when side = 'contact' and agreement >= 80 then weight else 0 end)
        as rarest_shared_weight
from covered_words
group by contact_core, company_core
