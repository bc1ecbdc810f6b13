{#- The blocking rules: what a contact and a company must share for the pair to be looked at. -#}
{% macro blocking_rules() -%}
    {{ return([
        'name', 'name_in_city', 'words', 'word', 'word_in_city', 'beginning', 'letters',
        'domain', 'colleagues', 'domain_name', 'email', 'phone', 'office', 'vat', 'address'
    ]) }}
{%- endmacro %}


{#-
    The keys by which both sides are blocked alike, one row each: (rule, block_key, <id>). Expects
    the common table expressions match_keys, tokens, domains and phones of one side.
-#}
{% macro shared_block_keys(id) -%}
    select
        {{ id }},
        'name' as rule,
        squeezed_name as block_key
    from match_keys
    where squeezed_name is not null

    union all

    select
        {{ id }},
        'name_in_city' as rule,
        squeezed_name || '|' || city as block_key
    from match_keys
    where squeezed_name is not null and city is not null

    union all

    select
        {{ id }},
        'beginning' as rule,
        left(squeezed_name, 6) || '|' || coalesce(country, '') as block_key
    from match_keys
    where length(squeezed_name) >= 6

    union all

    select
        match_keys.{{ id }},
        'word' as rule,
        tokens.token as block_key
    from match_keys
    inner join tokens on match_keys.core_name = tokens.core_name
    where tokens.rarity_rank <= 3 and length(tokens.token) >= 3

    union all

    select
        match_keys.{{ id }},
        'word_in_city' as rule,
        tokens.token || '|' || match_keys.city as block_key
    from match_keys
    inner join tokens on match_keys.core_name = tokens.core_name
    where tokens.rarity_rank <= 3 and length(tokens.token) >= 3 and match_keys.city is not null

    union all

    select
        match_keys.{{ id }},
        'words' as rule,
        least(tokens.token, others.token) || '|' || greatest(tokens.token, others.token)
            as block_key
    from match_keys
    inner join tokens on match_keys.core_name = tokens.core_name
    inner join tokens as others
        on
            tokens.core_name = others.core_name
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
    from match_keys
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
    from match_keys
    where vat_number is not null

    union all

    select
        {{ id }},
        'address' as rule,
        house_number || '|' || street_token || '|' || city as block_key
    from match_keys
    where house_number is not null and street_token is not null and city is not null

    union all

    select
        {{ id }},
        'address' as rule,
        house_number || '|' || street_token || '|' || postal_code as block_key
    from match_keys
    where house_number is not null and street_token is not null and postal_code is not null
{%- endmacro %}


{#-
    Names with one letter left out, a row per letter: two names that differ by one slip have one of
    them in common. Only the first 30 letters, and names of at least five.
-#}
{% macro one_letter_less(id) -%}
    select distinct
        match_keys.{{ id }},
        'letters' as rule,
        substring(match_keys.squeezed_name, 1, positions.letter - 1)
        || substring(match_keys.squeezed_name, positions.letter + 1) as block_key
    from match_keys
    cross join (
        values {% for letter in range(1, 31) %}({{ letter }}){{ ', ' if not loop.last }}{% endfor %}
    ) as positions (letter)
    where
        length(match_keys.squeezed_name) >= 5
        and positions.letter <= length(match_keys.squeezed_name)
{%- endmacro %}
