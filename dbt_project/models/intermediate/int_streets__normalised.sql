with contacts as (

    select * from {{ ref('stg_kananas__contacts') }}

),

companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

other_addresses as (

    select * from {{ ref('int_companies__other_addresses') }}

),

common_words as (

    select word from {{ ref('common_words') }}
    where found_in = 'street'

),

written as (

    select street as written_street from contacts
    where street is not null

    union

    select street from companies
    where street is not null

    union

    select street from other_addresses
    where street is not null

),

plain as (

    select
        written_street,
        nullif({{ regexp_first_group('written_street', '([0-9]+)') }}, '') as house_number,
        replace(
            replace({{ plain_words('written_street') }}, 'strasse', 'str'), 'straat', 'str'
        ) as street
    from written

),

words as (

    {{ words_of('plain', 'street', ['written_street']) }}

),

telling_words as (

    select
        words.written_street,
        words.word
    from words
    left join common_words on words.word = common_words.word
    where
        common_words.word is null
        and length(words.word) >= 4
        and not {{ regexp_matches('words.word', '[0-9]') }}

),

ranked as (

    select
        *,
        row_number() over (partition by written_street order by length(word) desc, word)
            as word_rank
    from telling_words

)

select
    plain.written_street,
    plain.house_number,
    nullif(
        replace(
            trim({{ regexp_replace_all('plain.street', '[0-9]+[a-z]?( bis| ter)?', '') }}), ' ', ''
        ),
        ''
    ) as street_name,
    ranked.word as street_token
from plain
left join ranked on plain.written_street = ranked.written_street and ranked.word_rank = 1
