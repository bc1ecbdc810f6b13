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

street_words as (

    select
        word,
        canonical
    from {{ ref('word_forms') }}
    where kind = 'street'

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
        {{ street_words('written_street') }} as street
    from written

),

words as (

    {{ words_of('plain', 'street', ['written_street']) }}

),

whole_words as (

    select
        words.written_street,
        words.position,
        coalesce(street_words.canonical, words.word) as word,
        street_words.word is null and common_words.word is null
        and not {{ regexp_matches('words.word', '[0-9]') }} as is_name
    from words
    left join street_words on words.word = street_words.word
    left join common_words on words.word = common_words.word

),

street_names as (

    select
        written_street,
        {{ words_in_order('word', 'position') }} as street
    from whole_words
    group by written_street

),

names as (

    select
        written_street,
        position,
        word
    from whole_words
    where is_name and (length(word) >= 4 or length(word) = 1 or word = 'ch')

),

followed_names as (

    select
        written_street,
        word,
        lead(word) over (partition by written_street order by position) as next_word
    from names

),

-- "Via E. Fermi" says that in "Via Enrico Fermi" the first word is a first name.
initials as (

    select distinct
        word as initial,
        next_word
    from followed_names
    where length(word) <= 2 and length(next_word) > 2

),

first_names as (

    select distinct
        followed_names.written_street,
        followed_names.word
    from followed_names
    inner join initials on followed_names.next_word = initials.next_word
    where left(followed_names.word, length(initials.initial)) = initials.initial

),

ranked as (

    select
        names.written_street,
        names.word,
        row_number() over (
            partition by names.written_street order by length(names.word) desc, names.word
        ) as word_rank
    from names
    left join first_names
        on names.written_street = first_names.written_street and names.word = first_names.word
    where first_names.word is null and length(names.word) > 2

)

select
    plain.written_street,
    nullif({{ regexp_first_group('plain.street', '([0-9]+)') }}, '') as house_number,
    nullif(
        {{ regexp_replace_all('street_names.street', '[0-9]+[a-z]?( bis| ter)?| ', '') }},
        ''
    ) as street_name,
    ranked.word as street_token
from plain
inner join street_names on plain.written_street = street_names.written_street
left join ranked on plain.written_street = ranked.written_street and ranked.word_rank = 1
