with contacts as (

    select * from {{ ref('int_contacts__organisations') }}

),

companies as (

    select * from {{ ref('stg_kizen__companies') }}

),

name_parts as (

    select * from {{ ref('int_names__parts') }}

),

legal_forms as (

    select * from {{ ref('legal_forms') }}

),

legal_form_kinds as (

    select * from {{ ref('legal_form_kinds') }}

),

all_names as (

    select
        organisation_name as written_name,
        0 as is_part
    from contacts
    where organisation_name is not null

    union all

    select
        company_name as written_name,
        0 as is_part
    from companies
    where company_name is not null

    union all

    select
        part as written_name,
        1 as is_part
    from name_parts

),

written as (

    select
        written_name,
        min(is_part) as is_part
    from all_names
    group by written_name

),

-- A department behind a sign is no word of the name: "Elan AB - Vertrieb".
endings_behind_signs as (

    select
        written_name,
        {{ regexp_first_group('written_name', ending_behind_a_sign()) }} as ending
    from written
    where {{ regexp_matches('written_name', ending_behind_a_sign()) }}

),

normalised_endings as (

    {{ normalised_names('endings_behind_signs', 'ending', ['written_name', 'ending']) }}

),

words_behind_signs as (

    {{ words_of('normalised_endings', 'name', ['written_name', 'ending']) }}

),

-- The sign stays, and becomes a space.
names_with_departments as (

    select
        words_behind_signs.written_name,
        left(
            words_behind_signs.written_name,
            length(words_behind_signs.written_name) - length(words_behind_signs.ending)
        ) as kept_name
    from words_behind_signs
    left join {{ ref('common_words') }} as department_words
        on
            words_behind_signs.word = department_words.word
            and department_words.found_in = 'department'
    group by words_behind_signs.written_name, words_behind_signs.ending
    having count(*) = count(department_words.word)

),

names_to_normalise as (

    select
        written.written_name,
        coalesce(names_with_departments.kept_name, written.written_name) as kept_name
    from written
    left join names_with_departments
        on written.written_name = names_with_departments.written_name

),

normalised as (

    {{ normalised_names('names_to_normalise', 'kept_name', ['written_name']) }}

),

silent_words as (

    select word from {{ ref('common_words') }}
    where found_in = 'any name'

),

word_forms as (

    select
        word,
        canonical
    from {{ ref('word_forms') }}
    where kind <> 'street'

),

-- Words that are dropped (without a canonical word) or written otherwise.
changed_words as (

    select
        word,
        nullif(word, word) as canonical
    from silent_words

    union all

    select
        word_forms.word,
        case when silent_canonicals.word is null then word_forms.canonical end as canonical
    from word_forms
    left join silent_words as silent_canonicals on word_forms.canonical = silent_canonicals.word
    left join silent_words on word_forms.word = silent_words.word
    where silent_words.word is null

),

full_names as (

    select distinct name as full_name from normalised
    where name <> ''

),

words as (

    {{ words_of('full_names', 'full_name', ['full_name']) }}

),

names_to_change as (

    select
        words.full_name,
        max_by(
            legal_form_kinds.kind,
            case when legal_form_kinds.kind is not null then words.position end
        ) as form_kind
    from words
    inner join changed_words on words.word = changed_words.word
    left join legal_form_kinds
        on words.word = legal_form_kinds.legal_form and changed_words.canonical is null
    group by words.full_name

),

words_to_look_at as (

    {{ words_of('names_to_change', 'full_name', ['full_name']) }}

),

telling_names as (

    select
        words.full_name,
        {{ words_in_order('coalesce(changed_words.canonical, words.word)', 'words.position') }}
            as telling_name
    from words_to_look_at as words
    left join changed_words on words.word = changed_words.word
    where changed_words.word is null or changed_words.canonical is not null
    group by words.full_name

),

told_names as (

    select
        full_names.full_name,
        coalesce(telling_names.telling_name, full_names.full_name) as name,
        names_to_change.form_kind
    from full_names
    left join telling_names on full_names.full_name = telling_names.full_name
    left join names_to_change on full_names.full_name = names_to_change.full_name

),

distinct_names as (

    select distinct name from told_names

),

-- A form is looked up by the words it may be made of: comparing each name with each form would cost
-- names times forms.
endings as (

    {% for words in range(1, 5) %}
        select
            name,
            {{ regexp_first_group('name', ' ([^ ]+' ~ ' [^ ]+' * (words - 1) ~ ')$') }} as form
        from distinct_names
        {%- if not loop.last %}

            union all
        {% endif %}
    {%- endfor %}

),

longest_endings as (

    select
        endings.name,
        max(length(endings.form)) as form_length,
        max_by(coalesce(legal_form_kinds.kind, ''), length(endings.form)) as form_kind
    from endings
    inner join legal_forms on endings.form = legal_forms.legal_form
    left join legal_form_kinds on endings.form = legal_form_kinds.legal_form
    group by endings.name

),

without_ending as (

    select
        distinct_names.name,
        case
            when longest_endings.form_length is null then distinct_names.name
            else trim(substring(
                distinct_names.name, 1, length(distinct_names.name) - longest_endings.form_length
            ))
        end as shortened_name,
        longest_endings.form_kind
    from distinct_names
    left join longest_endings on distinct_names.name = longest_endings.name

),

beginnings as (

    {% for words in range(1, 3) %}
        select
            name,
            {{ regexp_first_group('shortened_name', '^([^ ]+' ~ ' [^ ]+' * (words - 1) ~ ') ') }}
                as form
        from without_ending
        {%- if not loop.last %}

            union all
        {% endif %}
    {%- endfor %}

),

longest_beginnings as (

    select
        beginnings.name,
        max(length(beginnings.form)) as form_length,
        max_by(coalesce(legal_form_kinds.kind, ''), length(beginnings.form)) as form_kind
    from beginnings
    inner join legal_forms on beginnings.form = legal_forms.legal_form
    left join legal_form_kinds on beginnings.form = legal_form_kinds.legal_form
    where legal_forms.leads
    group by beginnings.name

),

cores as (

    select
        without_ending.name,
        case
            when longest_beginnings.form_length is null then without_ending.shortened_name
            else trim(
                substring(without_ending.shortened_name, longest_beginnings.form_length + 1)
            )
        end as core_name,
        coalesce(
            nullif(without_ending.form_kind, ''), nullif(longest_beginnings.form_kind, '')
        ) as form_kind
    from without_ending
    left join longest_beginnings on without_ending.name = longest_beginnings.name

)

select
    normalised.written_name,
    normalised.name,
    cores.core_name,
    -- An association's initials have the A of "association", which its core name lacks.
    {{ initials('normalised.name') }} as full_initials,
    written.is_part,
    -- Two forms of two kinds ("Oy Ltd") tell none.
    case
        when told_names.form_kind is null then cores.form_kind
        when told_names.form_kind = coalesce(cores.form_kind, told_names.form_kind)
            then told_names.form_kind
    end as form_kind
from normalised
inner join written on normalised.written_name = written.written_name
inner join told_names on normalised.name = told_names.full_name
inner join cores on told_names.name = cores.name
