{#-
    The name by which two spellings of one organisation agree: lower case, accents folded, "&" and "+"
    as "and", elided articles apart ("l'été" is "l ete", as in capitals without apostrophes), dots and
    other apostrophes dropped, other signs as spaces, single letters glued ("S. A. R. L." is "sarl").
    Empty where no letter or digit is left.

    Selects column `name` beside the columns of `keys`, by default the column of names. Each step is a
    query of its own, so that it is worked out once, and asks first whether there is anything to do:
    most names are plain.
-#}
{% macro normalised_names(relation, name, keys=none) -%}
    {%- set keys = (keys or [name]) | join(', ') -%}
    {%- set unelided = regexp_replace_all(
        'folded', "(^|[^\\p{L}\\p{N}])(l|d|qu|jusqu|dell|all)[''’ʼ`´]", '\\1\\2 '
    ) -%}
    {%- set signless = regexp_replace_all(
        "replace(replace(" ~ unelided ~ ", '&', ' and '), '+', ' and ')", "[.''’ʼ`´]", ''
    ) -%}
    select
        {{ keys }},
        case
            when instr(marked, '<') > 0
                then trim({{ regexp_replace_all("replace(marked, '><', '')", '[<> ]+', ' ') }})
            else trim(replace(marked, '  ', ' '))
        end as name
    from (
        select
            {{ keys }},
            case
                when {{ regexp_matches('spaced', ' \\p{L} ') }}
                    then {{ regexp_replace_all('spaced', ' (\\p{L}) ', '<\\1>') }}
                else spaced
            end as marked
        from (
            select
                {{ keys }},
                {{ regexp_replace_all("' ' || separated || ' '", ' (et|und|en) ', ' and ') }} as spaced
            from (
                {#- Two spaces between words, so that neighbouring single letters do not share one. #}
                select
                    {{ keys }},
                    case
                        when {{ regexp_matches('folded', '[^a-z0-9 ]|  ') }}
                            then {{ regexp_replace_all(signless, '[^\\p{L}\\p{N}]+', '  ') }}
                        else replace(folded, ' ', '  ')
                    end as separated
                from (
                    select
                        {{ keys }},
                        {{ fold_accents(name) }} as folded
                    from {{ relation }}
                ) as folded_names
            ) as separated_names
        ) as spaced_names
    ) as marked_names
{%- endmacro %}


{#-
    Lower case without accents, composed or combining, Greek and Cyrillic in Latin letters; ß, æ, œ and ø
    become two letters or one.
-#}
{% macro fold_accents(text) -%}
    {#-
        Most texts are ASCII, and most others are once seven letters are folded: DuckDB's translate()
        takes the longer the more letters it is given.
    -#}
    {%- set usual = "translate(lower(" ~ text ~ "), 'éèàçäöü', 'eeacaou')" -%}
    case
        when not {{ regexp_matches(text, '[^ -~]') }} then lower({{ text }})
        when not {{ regexp_matches(usual, '[^ -~]') }} then {{ usual }}
        when {{ regexp_matches(text, '[Ͱ-ӿ]') }}
            then {{ fold_letters(latin_letters('lower(' ~ text ~ ')')) }}
        else {{ fold_letters('lower(' ~ text ~ ')') }}
    end
{%- endmacro %}


{% macro fold_letters(lower_text) -%}
    {%- set plain -%}
        translate(
            {{ lower_text }},
            'àáâãäåāăąçćčďđèéêëēėęěğģìíîïīįıķĺľłļñńňņòóôõöōőøŕřśšşșťţțùúûüūůűųýÿźżž',
            'aaaaaaaaacccddeeeeeeeeggiiiiiiikllllnnnnoooooooorrsssstttuuuuuuuuyyzzz'
        )
    {%- endset -%}
    {%- set letters = "replace(replace(replace(" ~ plain ~ ", 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')" -%}
    {{ regexp_replace_all(letters, '\\p{M}+', '') }}
{%- endmacro %}


{#-
    Greek (ELOT 743) and Cyrillic letters (as passports spell them) in Latin ones, from lower case. Soft and
    hard signs are dropped.
-#}
{% macro latin_letters(lower_text) -%}
    {%- set text = namespace(sql=lower_text) -%}
    {%- set several = {
        'ου': 'ou', 'ού': 'ou', 'αυ': 'av', 'αύ': 'av', 'ευ': 'ev', 'εύ': 'ev', 'γγ': 'ng', 'γξ': 'nx',
        'γχ': 'nch', 'θ': 'th', 'χ': 'ch', 'ψ': 'ps',
        'ж': 'zh', 'х': 'kh', 'ц': 'ts', 'ч': 'ch', 'ш': 'sh', 'щ': 'shch', 'ю': 'yu', 'я': 'ya',
        'є': 'ye', 'ї': 'yi', 'љ': 'lj', 'њ': 'nj', 'џ': 'dz',
    } -%}
    {%- for letters, latin in several.items() -%}
        {%- set text.sql = "replace(" ~ text.sql ~ ", '" ~ letters ~ "', '" ~ latin ~ "')" -%}
    {%- endfor -%}
    translate(
        {{ text.sql }},
        'αάβγδεέζηήιίϊΐκλμνξοόπρσςτυύϋΰφωώабвгґѓдђѕеёэзиійыјкќлмнопрстћуўфъь',
        'aavgdeeziiiiiiklmnxooprsstyyyyfooabvgggddzeeeziiiyjkklmnoprstcuuf'
    )
{%- endmacro %}


{#- What parts a name from another one: signs, or a word for a former name. -#}
{% macro part_signs() -%}
    {{ '([|/,;:()\\[\\]]+| [-–—]+ | (?i:ex|anciennement|formerly known as|formerly|vormals|früher|voorheen|già|aka) )' }}
{%- endmacro %}


{#- What stands behind the last sign of a name that has words before it, as the pattern's group. -#}
{% macro ending_behind_a_sign() -%}
    {{ '^.*[\\p{L}\\p{N}].*(?: [-–—]|[|,;:/(])([^|,;:/()]+[)]?)$' }}
{%- endmacro %}


{#- The weights of a core name's words: the sum of their squares, and the largest. -#}
{% macro token_sums(tokens) -%}
    select
        core_number,
        cast(sum(weight) as integer) as token_weight,
        cast(sum(weight * weight) as bigint) as token_norm,
        max(weight) as heaviest_weight,
        min(is_generic) = 1 as is_generic
    from {{ tokens }}
    group by core_number
{%- endmacro %}


{#- A core name without spaces, umlauts in one letter, "ph" as "f": the name as it sounds in a line. -#}
{% macro squeezed_name(core_name) -%}
    replace(replace(replace(replace(replace(
        {{ core_name }}, ' ', ''), 'ae', 'a'), 'oe', 'o'), 'ue', 'u'), 'ph', 'f')
{%- endmacro %}


{#- Articles, prepositions and "and", as a pattern of words with a space on either side. -#}
{% macro small_words() -%}
    {{
        ' (and|de|du|des|d|la|le|les|l|au|aux|dans|par|pour|sur|of|the|for|in|to'
        ~ '|der|die|das|dem|den|fur|im|van|von|voor|di|del|della|per|y|e) '
    }}
{%- endmacro %}


{#- Whether a word of a normalised name is one of these. -#}
{% macro is_small_word(word) -%}
    {{ word }} in ('{{ small_words() | trim | trim('()') | replace('|', "', '") }}')
{%- endmacro %}


{#- A core name as a domain spells it: squeezed, without articles, prepositions and "and". -#}
{% macro spelled_name(core_name) -%}
    {%- set spaced = "' ' || replace(" ~ core_name ~ ", ' ', '  ') || ' '" -%}
    {{ squeezed_name(regexp_replace_all(spaced, small_words(), ' ')) }}
{%- endmacro %}


{#- The first letters of the words of a core name, without articles, prepositions and "and". -#}
{% macro initials(core_name) -%}
    {%- set spaced = "' ' || replace(" ~ core_name ~ ", ' ', '  ') || ' '" -%}
    trim({{ regexp_replace_all(regexp_replace_all(spaced, small_words(), ' '), ' +([^ ])[^ ]*', '\\1') }})
{%- endmacro %}


{#-
    The same, but words of two or three letters are taken whole, as they are initials themselves: "Grazer AK" is
    "gak".
-#}
{% macro long_initials(core_name) -%}
    {%- set spaced = "' ' || replace(" ~ core_name ~ ", ' ', '  ') || ' '" -%}
    {%- set marked = regexp_replace_all(
        regexp_replace_all(spaced, small_words(), ' '), ' ([^ ]{2,3}) ', '<\\1>'
    ) -%}
    replace(replace(replace({{ regexp_replace_all(marked, ' +([^ <])[^ <]*', '\\1') }}, ' ', ''), '<', ''), '>', '')
{%- endmacro %}


{#-
    Which team of a club a name tells, where it is not the first one: "Nantes II" and "Nantes Reserves" are of one
    team. Empty where it tells none.
-#}
{% macro team(core_name) -%}
    case
        when {{ regexp_matches(core_name, ' (ii|b|2|reserves?|reservas?|amateure?s?)$|^jong ') }} then 'second'
        when {{ regexp_matches(core_name, ' (iii|c|3)$') }} then 'third'
        when {{ regexp_matches(core_name, ' (iv|d|4)$') }} then 'fourth'
        else {{ regexp_first_group(core_name, ' (u[0-9][0-9])$') }}
    end
{%- endmacro %}


{#- The name in a domain: what stands before its suffix, without hyphens, squeezed like a name. -#}
{% macro domain_label(domain) -%}
    {{ squeezed_name("replace(split_part(" ~ domain ~ ", '.', 1), '-', '')") }}
{%- endmacro %}
