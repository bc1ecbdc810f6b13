{#-
    The last eight digits of the first phone number in each of the columns, without country and trunk
    prefixes (ITU-T E.164 lists the lengths of country codes); none under six digits. Selects a row per
    id and `phone`, and `is_mobile`: whether only mobile columns hold it. Each step is a query of its own,
    so that it is worked out once.
-#}
{% macro phone_keys(relation, id, columns, mobile_columns) -%}
    {#- Signs part the digits of a number; letters ("poste 12", "oder …") and these signs end it. -#}
    {%- set number =
        '((?:[+][^0-9\\p{L}]*)?(?:[0-9][^0-9\\p{L};|#&*+\\n]*){6,})' -%}
    {%- set country_code =
        '^[^0-9]*0*[^0-9]*(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3})' -%}
    select
        {{ id }},
        right(digits, 8) as phone,
        bool_and(is_mobile) as is_mobile
    from (
        select
            {{ id }},
            is_mobile,
            {{ regexp_replace_all(first_phone_number('significant'), '[^0-9]', '') }} as digits
        from (
            select
                {{ id }},
                is_mobile,
                {#- National numbers without the trunk prefix: they begin with a digit from 1. #}
                {{ regexp_replace_all('national', '^[^1-9]+', '') }} as significant
            from (
                select
                    {{ id }},
                    is_mobile,
                    case
                        when {{ regexp_matches('written', '^([+]|00)') }}
                            then {{ regexp_replace_all('written', country_code, '') }}
                        else written
                    end as national
                from (
                    {%- for column in columns + mobile_columns %}
                    select
                        {{ id }},
                        {{ 'true' if column in mobile_columns else 'false' }} as is_mobile,
                        {#- Neither "(0)" nor the ".0" of a spreadsheet is dialled. #}
                        {{ regexp_replace_all(
                            regexp_first_group(column, number), '[(\\[] *0 *[)\\]]|[.]0$', ''
                        ) }} as written
                    from {{ relation }}
                    {%- if not loop.last %}
                    union all
                    {%- endif %}
                    {%- endfor %}
                ) as written_numbers
            ) as national_numbers
        ) as significant_numbers
    ) as digits_of_numbers
    where length(digits) >= 6
    group by {{ id }}, right(digits, 8)
{%- endmacro %}


{#-
    The first of several numbers that "/", "," or " - " part: such a sign ends a number only after six
    digits, for it also stands behind an area code ("030/12345678") and between pairs of digits.
-#}
{% macro first_phone_number(numbers) -%}
    {%- set six_digits = '(?:[0-9][^0-9]*){5,}?[0-9]' -%}
    {%- set eight_digits = '(?:[0-9][^0-9]*){7,}?[0-9]' -%}
    {%- set sign = '[ )]*(?: [–—-]+ |[/,])' -%}
    {%- set pairs = '^([0-9]{1,3}/[0-9]{2,3}(?:/[0-9]{2}){2,3})(?:[^0-9]|$)' -%}
    {%- set before_another = '^(' ~ six_digits ~ ')' ~ sign ~ '(?:[^0-9]*[0-9]){6}' -%}
    {%- set before_less = '^(' ~ eight_digits ~ ')' ~ sign -%}
    case
        when {{ regexp_matches(numbers, '[/,]| [–—-]') }}
            then coalesce(
                {%- for pattern in [pairs, before_another, before_less] %}
                nullif({{ regexp_first_group(numbers, pattern) }}, ''),
                {%- endfor %}
                {{ numbers }}
            )
        else {{ numbers }}
    end
{%- endmacro %}


{#- Words of a text, folded, between single spaces. -#}
{% macro plain_words(text) -%}
    trim({{ regexp_replace_all(fold_accents(text), '[^\\p{L}\\p{N}]+', ' ') }})
{%- endmacro %}


{#-
    The words of a street: without a post office box or "cedex", and the number of either; a type that a
    sign parts ("P.zza", "C/") in one word; umlauts in one letter, "straße" and "platz" in one spelling.
-#}
{% macro street_words(street) -%}
    {%- set box -%}
        {{ ' (boite postale|case postale|casella postale|apartado( de correos)?|apdo|postfach|postbus'
            ~ '|postboks|postilokero|skrytka pocztowa|p ?o ?box|b ?p|c ?s|c ?p|t ?s ?a|pf|cedex)'
            ~ '( (n|no|nr))? ?([0-9]{2} [0-9]{3}|[0-9]+)\\b| cedex ' }}
    {%- endset -%}
    {%- set boxless = regexp_replace_all("' ' || " ~ plain_words(street) ~ " || ' '", box | trim('\n'), ' ') -%}
    {%- set glued = regexp_replace_all(boxless, ' ([vpcl]) (le|zza|za|so|go) ', ' \\1\\2 ') -%}
    {%- set typed = regexp_replace_all(glued, '^ *c ', ' calle ') -%}
    {%- set typed = regexp_replace_all(typed, '^( *[0-9]*( bis| ter)? *)r ', '\\1 rue ') -%}
    {%- set folded = "replace(replace(replace(" ~ typed ~ ", 'ae', 'a'), 'oe', 'o'), 'ph', 'f')" -%}
    {#- "Mühle" is "Muehle"; "rue", "avenue" and "République" keep their ending. #}
    {%- set folded = regexp_replace_all(folded, '([^qg])ue([a-z])', '\\1u\\2') -%}
    {%- set endings = "replace(replace(replace(" ~ folded
        ~ ", 'strasse', 'str'), 'straat', 'str'), 'platz ', 'pl ')" -%}
    trim({{ regexp_replace_all(endings, ' +', ' ') }})
{%- endmacro %}


{#-
    A city as it is compared, before the seed `city_names`: without digits, arrondissement and "cedex",
    with its article in front, "saint" and "sur" in one spelling.
-#}
{% macro city_key(city) -%}
    {%- set led = regexp_replace_all(
        fold_accents(city), '^(.*[^ ]) *[(](la|le|les|l.?|the|den)[)] *$', '\\2 \\1'
    ) -%}
    {#- "Chalon s/ Saône"; the "s" behind an apostrophe is another. -#}
    {%- set on_river = regexp_replace_all(led, '([a-z])[ -]s([/.] ?|[ -])', '\\1 sur ') -%}
    {%- set words = "' ' || " ~ regexp_replace_all(on_river, '[^\\p{L}\\p{N}]+', ' ') ~ " || ' '" -%}
    {%- set letters = regexp_replace_all(
        words, '[0-9]+[a-z]*( (e|er|eme|ieme|arr|arrt|arrdt|ardt|arrondissement)\\b)*|cedex', ' '
    ) -%}
    {%- set whole = regexp_replace_all(letters, '^ (paris|lyon|marseille) [ivx]+ +$', ' \\1 ') -%}
    {%- set saints = regexp_replace_all(whole, ' (saint|sankt|sint) ', ' st ') -%}
    nullif({{ squeezed_name(regexp_replace_all(saints, ' (sainte) ', ' ste ')) }}, '')
{%- endmacro %}


{#- A postal code in capitals and digits, without the country's letters. -#}
{% macro postal_key(postal_code) -%}
    nullif({{ regexp_replace_all(
        regexp_replace_all('upper(' ~ postal_code ~ ')', '[^A-Z0-9]', ''),
        '^(FR|BE|DE|CH|AT|NL|IT|ES|LU|FIN|FI|SE|DK|NO|PL|CZ|PT|F|B|D|A|L|I|E)([0-9])', '\\2'
    ) }}, '')
{%- endmacro %}
