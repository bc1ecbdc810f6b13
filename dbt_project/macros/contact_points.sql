{#-
    The last eight digits of the first phone number in a text, without country and trunk prefixes
    (ITU-T E.164 lists the lengths of country codes); null under six digits.
-#}
{% macro phone_key(phone) -%}
    {%- set first = regexp_first_group(phone, '^([^/,;]*)') -%}
    {%- set digits = regexp_replace_all(first, '[^0-9]', '') -%}
    {%- set country_code =
        '^0*(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3})' -%}
    {%- set national -%}
        case
            when {{ regexp_matches('trim(' ~ first ~ ')', '^([+]|00)') }}
                then {{ regexp_replace_all(digits, country_code, '') }}
            else {{ digits }}
        end
    {%- endset -%}
    {%- set significant = regexp_replace_all(national, '^0+', '') -%}
    case when length({{ significant }}) >= 6 then right({{ significant }}, 8) end
{%- endmacro %}


{#-
    A VAT number without the country's letters, capitals and digits only; null where it has not the
    length of one, or says nothing (all digits alike).
-#}
{% macro vat_key(vat_number) -%}
    {%- set plain = regexp_replace_all('upper(' ~ vat_number ~ ')', '[^A-Z0-9]', '') -%}
    {%- set national = regexp_replace_all(plain, '^(CHE|[A-Z]{2})|(MWST|TVA|IVA)$', '') -%}
    case
        when {{ regexp_matches(national, '^[A-Z0-9]?[0-9]{6,10}[A-Z0-9]{1,4}$') }}
            and not {{ regexp_matches(national, '^(0+|1+|9+|12345678[0-9]*)$') }}
            then {{ national }}
    end
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
