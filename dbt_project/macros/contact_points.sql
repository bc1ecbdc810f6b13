{#-
    The last eight digits of the first phone number in each of the columns, without country and trunk
    prefixes (ITU-T E.164 lists the lengths of country codes); none under six digits. Selects a row per
    id and `phone`, and `is_mobile`: whether only mobile columns hold it. Each step is a query of its own,
    so that it is worked out once.
-#}
{% macro phone_keys(relation, id, columns, mobile_columns) -%}
    {%- set country_code =
        '^0*(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3})' -%}
    select
        {{ id }},
        right(significant, 8) as phone,
        bool_and(is_mobile) as is_mobile
    from (
        select
            {{ id }},
            is_mobile,
            {{ regexp_replace_all('national', '^0+', '') }} as significant
        from (
            select
                {{ id }},
                is_mobile,
                case
                    when {{ regexp_matches('trim(first_number)', '^([+]|00)') }}
                        then {{ regexp_replace_all('digits', country_code, '') }}
                    else digits
                end as national
            from (
                select
                    {{ id }},
                    is_mobile,
                    first_number,
                    {{ regexp_replace_all('first_number', '[^0-9]', '') }} as digits
                from (
                    {%- for column in columns + mobile_columns %}
                    select
                        {{ id }},
                        {{ 'true' if column in mobile_columns else 'false' }} as is_mobile,
                        {{ regexp_first_group(column, '^([^/,;]*)') }} as first_number
                    from {{ relation }}
                    {%- if not loop.last %}
                    union all
                    {%- endif %}
                    {%- endfor %}
                ) as first_numbers
            ) as digits_of_numbers
        ) as national_numbers
    ) as significant_numbers
    where length(significant) >= 6
    group by {{ id }}, right(significant, 8)
{%- endmacro %}


{#- Words of a text, folded, between single spaces. -#}
{% macro plain_words(text) -%}
    trim({{ regexp_replace_all(fold_accents(text), '[^\\p{L}\\p{N}]+', ' ') }})
{%- endmacro %}


{#- A city as it is compared: without digits, "cedex" and the spelling of "saint". -#}
{% macro city_key(city) -%}
    {%- set letters = regexp_replace_all(
        "' ' || " ~ plain_words(city) ~ " || ' '", '[0-9]+[a-z]*|cedex', ' '
    ) -%}
    {%- set saints = regexp_replace_all(letters, ' (saint|sankt|sint) ', ' st ') -%}
    nullif({{ squeezed_name(regexp_replace_all(saints, ' (sainte) ', ' ste ')) }}, '')
{%- endmacro %}


{#- A postal code in capitals and digits, without the country's letters. -#}
{% macro postal_key(postal_code) -%}
    nullif({{ regexp_replace_all(
        regexp_replace_all('upper(' ~ postal_code ~ ')', '[^A-Z0-9]', ''),
        '^(FR|BE|DE|CH|AT|NL|IT|ES|LU|FIN|FI|SE|DK|NO|PL|CZ|PT|F|B|D|A|L|I|E)([0-9])', '\\2'
    ) }}, '')
{%- endmacro %}
