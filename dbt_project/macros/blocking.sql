{#- The blocking rules: what a contact and a company must share for the pair to be looked at. -#}
{% macro blocking_rules() -%}
    {{ return([
        'name', 'name_in_city', 'words', 'word', 'beginning', 'half', 'domain', 'colleagues',
        'domain_name', 'email', 'phone', 'office', 'vat', 'address', 'letters', 'part', 'initials',
        'person', 'alias',
    ]) }}
{%- endmacro %}


{#-
    The keys by which both sides are blocked alike, one row each: (rule, block_key, <id>). Expects
    the common table expressions domains and phones of one side; match keys and tokens are given as
    relations, since DuckDB stores what several queries read by a common name, all columns of it.
-#}
{% macro shared_block_keys(id, match_keys, tokens, parts) -%}
    select
        {{ id }},
        'name' as rule,
        squeezed_name as block_key
    from {{ match_keys }} as match_keys
    where squeezed_name is not null

    union all

    select
        {{ id }},
        'beginning' as rule,
        left(squeezed_name, 6) || '|' || coalesce(country, '') as block_key
    from {{ match_keys }} as match_keys
    where length(squeezed_name) >= 6

    union all

    select
        match_keys.{{ id }},
        'word' as rule,
        tokens.token as block_key
    from {{ match_keys }} as match_keys
    inner join {{ tokens }} as tokens on match_keys.core_number = tokens.core_number
    where tokens.rarity_rank <= 3 and length(tokens.token) >= 3

    union all

    select
        match_keys.{{ id }},
        'words' as rule,
        least(tokens.token, others.token) || '|' || greatest(tokens.token, others.token)
            as block_key
    from {{ match_keys }} as match_keys
    inner join {{ tokens }} as tokens on match_keys.core_number = tokens.core_number
    inner join {{ tokens }} as others
        on
            tokens.core_number = others.core_number
            and tokens.rarity_rank < others.rarity_rank
    where others.rarity_rank <= 4

    union all

    select
        {{ id }},
        'domain' as rule,
        domain as block_key
    from domains

    union all

    select
        {{ id }},
        'email' as rule,
        email as block_key
    from {{ match_keys }} as match_keys
    where email is not null

    union all

    select
        {{ id }},
        'phone' as rule,
        phone as block_key
    from phones

    union all

    select
        {{ id }},
        'office' as rule,
        left(phone, 6) as block_key
    from phones
    where length(phone) = 8

    union all

    select
        {{ id }},
        'vat' as rule,
        vat_number as block_key
    from {{ match_keys }} as match_keys
    where vat_number is not null

    union all

    -- A part of one name is the other name, or a part of it.
    select
        {{ id }},
        'part' as rule,
        squeezed_name as block_key
    from {{ match_keys }} as match_keys
    where length(squeezed_name) >= 3

    union all

    select
        match_keys.{{ id }},
        'part' as rule,
        parts.part as block_key
    from {{ match_keys }} as match_keys
    inner join {{ parts }} as parts on match_keys.core_number = parts.core_number

    union all

    -- A word of one name is the initials of the other: no two words, and no initials of both names.
    {%- set of_words, of_initials = ('word', 'initials') if id == 'contact_number' else ('initials', 'word') %}
    select
        match_keys.{{ id }},
        'initials' as rule,
        '{{ of_words }}|' || tokens.token as block_key
    from {{ match_keys }} as match_keys
    inner join {{ tokens }} as tokens on match_keys.core_number = tokens.core_number
    where length(tokens.token) between 3 and 6
    {% for letters in [3, 4, 5, 6] %}
    union all

    select
        {{ id }},
        'initials' as rule,
        '{{ of_initials }}|' || left(initials, {{ letters }}) as block_key
    from {{ match_keys }} as match_keys
    where length(initials) >= {{ letters }}

    union all

    select
        {{ id }},
        'initials' as rule,
        '{{ of_initials }}|' || left(full_initials, {{ letters }}) as block_key
    from {{ match_keys }} as match_keys
    where length(full_initials) >= {{ letters }} and full_initials <> initials
    {%- endfor %}

    union all

    select
        {{ id }},
        'initials' as rule,
        '{{ of_initials }}|' || long_initials as block_key
    from {{ match_keys }} as match_keys
    where length(long_initials) between 3 and 6 and long_initials not in (initials, squeezed_name)

    union all

    {{ place_keys(id, match_keys ~ ' as match_keys') }}
{%- endmacro %}


{#- The keys of a place: of the name in it, and of the house. -#}
{% macro place_keys(id, places) -%}
    select
        {{ id }},
        'name_in_city' as rule,
        squeezed_name || '|' || city as block_key
    from {{ places }}
    where squeezed_name is not null and city is not null

    union all

    select
        {{ id }},
        'address' as rule,
        house_number || '|' || street_token || '|' || city as block_key
    from {{ places }}
    where house_number is not null and street_token is not null and city is not null

    union all

    select
        {{ id }},
        'address' as rule,
        house_number || '|' || street_token || '|' || postal_code as block_key
    from {{ places }}
    where house_number is not null and street_token is not null and postal_code is not null
{%- endmacro %}


{#-
    Two names that differ by one slip of the finger have their first or their last half in common. A
    company is found by the halves of its name …
-#}
{% macro name_halves(id, match_keys) -%}
    select
        {{ id }},
        'half' as rule,
        length(squeezed_name) || '<' || left(squeezed_name, {{ half('length(squeezed_name)') }}) as block_key
    from {{ match_keys }} as match_keys
    where length(squeezed_name) >= 5

    union all

    select
        {{ id }},
        'half' as rule,
        length(squeezed_name) || '>' || substring(squeezed_name, {{ half('length(squeezed_name)') }} + 1)
            as block_key
    from {{ match_keys }} as match_keys
    where length(squeezed_name) >= 5
{%- endmacro %}


{#- … and a contact looks for those of a name of its own length, and of one letter less or more. -#}
{% macro sought_halves(id) -%}
    {%- for change in [-1, 0, 1] %}
    select
        {{ id }},
        'half' as rule,
        (length(squeezed_name) + {{ change }}) || '<'
        || left(squeezed_name, {{ half('(length(squeezed_name) + ' ~ change ~ ')') }}) as block_key
    from misspelt
    where length(squeezed_name) >= 5

    union all

    select
        {{ id }},
        'half' as rule,
        (length(squeezed_name) + {{ change }}) || '>' || right(
            squeezed_name,
            (length(squeezed_name) + {{ change }})
            - {{ half('(length(squeezed_name) + ' ~ change ~ ')') }}
        ) as block_key
    from misspelt
    where length(squeezed_name) >= 5
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}
{%- endmacro %}


{#- Half of a whole number, rounded down. -#}
{% macro half(number) -%}
    cast(floor({{ number }} / 2.0) as {{ dbt.type_int() }})
{%- endmacro %}
