-- How much of each name the other one covers, word by word: agreement in hundredths.
with pairs as (

    select * from {{ ref('int_links__pairs') }}

),

name_pairs as (

    select distinct
        contact_core,
        company_core
    from pairs
    where contact_core <> company_core

),

names as (

    select * from {{ ref('int_names__cores') }}

),

tokens as (

    select * from {{ ref('int_names__tokens') }}

),

contact_words as (

    select
        name_pairs.contact_core,
        name_pairs.company_core,
        tokens.token,
        tokens.token_number,
        tokens.place,
        tokens.weight
    from name_pairs
    inner join tokens on name_pairs.contact_core = tokens.core_number

),

company_words as (

    select
        name_pairs.contact_core,
        name_pairs.company_core,
        tokens.token,
        tokens.token_number,
        tokens.place,
        tokens.weight
    from name_pairs
    inner join tokens on name_pairs.company_core = tokens.core_number

),

-- Words agree only where they begin with one letter.
word_pairs as (

    select
        contact_words.contact_core,
        contact_words.company_core,
        contact_words.token_number as contact_token,
        tokens.token_number as company_token,
        contact_words.token as contact_word,
        tokens.token as company_word
    from contact_words
    inner join tokens
        on
            contact_words.company_core = tokens.core_number
            and left(contact_words.token, 1) = left(tokens.token, 1)

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

agreements as (

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

-- A word may be the initials of some of the other name's: FC of Football Club.
contact_initials as (

    select
        contact_words.contact_core,
        contact_words.company_core,
        contact_words.token_number,
        length(contact_words.token) as letters,
        instr(names.initials, contact_words.token) as first_place
    from contact_words
    inner join names on contact_words.company_core = names.core_number
    where
        length(contact_words.token) between 2 and 6
        and instr(names.initials, contact_words.token) > 0

),

company_initials as (

    select
        company_words.contact_core,
        company_words.company_core,
        company_words.token_number,
        length(company_words.token) as letters,
        instr(names.initials, company_words.token) as first_place
    from company_words
    inner join names on company_words.contact_core = names.core_number
    where
        length(company_words.token) between 2 and 6
        and instr(names.initials, company_words.token) > 0

),

contact_agreements as (

    select
        contact_core,
        company_core,
        contact_token as token_number,
        agreement
    from agreements
    where agreement is not null

    union all

    select
        contact_core,
        company_core,
        token_number,
        85 as agreement
    from contact_initials

    union all

    select
        company_initials.contact_core,
        company_initials.company_core,
        tokens.token_number,
        85 as agreement
    from company_initials
    inner join tokens
        on
            company_initials.contact_core = tokens.core_number
            and company_initials.first_place <= tokens.place
            and company_initials.first_place + company_initials.letters > tokens.place

),

company_agreements as (

    select
        contact_core,
        company_core,
        company_token as token_number,
        agreement
    from agreements
    where agreement is not null

    union all

    select
        contact_core,
        company_core,
        token_number,
        85 as agreement
    from company_initials

    union all

    select
        contact_initials.contact_core,
        contact_initials.company_core,
        tokens.token_number,
        85 as agreement
    from contact_initials
    inner join tokens
        on
            contact_initials.company_core = tokens.core_number
            and contact_initials.first_place <= tokens.place
            and contact_initials.first_place + contact_initials.letters > tokens.place

),

contact_covered as (

    {{ covered_words('contact_words', 'contact_agreements') }}

),

company_covered as (

    {{ covered_words('company_words', 'company_agreements') }}

)

select
    contact_covered.contact_core,
    contact_covered.company_core,
    contact_covered.weight as contact_weight,
    contact_covered.covered_weight as contact_covered_weight,
    contact_covered.first_agreement as contact_first_agreement,
    contact_covered.missing_weight as contact_missing_weight,
    contact_covered.shared_weight as rarest_shared_weight,
    contact_covered.equal_norm,
    company_covered.weight as company_weight,
    company_covered.covered_weight as company_covered_weight,
    company_covered.first_agreement as company_first_agreement,
    company_covered.missing_weight as company_missing_weight
from contact_covered
inner join company_covered
    on
        contact_covered.contact_core = company_covered.contact_core
        and contact_covered.company_core = company_covered.company_core
