{#-
    The digits of a text, each times its weight, added up. Digits beyond the weights do not count. A
    sign that is no digit counts as -1 and fails nothing: whoever asks has looked at the shape.
-#}
{% macro weighted_digits(number, weights, first=1) -%}
    (
        {%- for weight in weights %}
        {%- set digit = "(instr('0123456789', substr(" ~ number ~ ", " ~ (first + loop.index0) ~ ", 1)) - 1)" %}
        {{ '+ ' if not loop.first }}{{ weight }} * {{ digit }}
        {%- endfor %}
    )
{%- endmacro %}


{#- What is left of the digits of a text, read as one number, after division. -#}
{% macro remainder(number, first, length, divisor) -%}
    {%- set weights = [] -%}
    {%- for position in range(length) -%}
        {%- do weights.append(10 ** (length - 1 - position) % divisor) -%}
    {%- endfor -%}
    ({{ weighted_digits(number, weights, first) }} % {{ divisor }})
{%- endmacro %}


{#-
    Whether a VAT number has the check digits that its country's rule asks for (the rules are those
    of the tax authorities, as the European VIES service applies them; Switzerland's is that of its
    business register). Null where the country or the shape has no rule here.
-#}
{% macro vat_check(country, number) -%}
    {%- set luhn_odd = [] -%}
    {%- for position in range(1, 12, 2) -%}
        {%- do luhn_odd.append(weighted_digits(number, [1], position)) -%}
    {%- endfor -%}
    {%- set luhn_even = [] -%}
    {%- for position in range(2, 11, 2) -%}
        {%- set digit = weighted_digits(number, [1], position) -%}
        {%- do luhn_even.append('2 * ' ~ digit ~ ' - case when ' ~ digit ~ ' > 4 then 9 else 0 end') -%}
    {%- endfor -%}
    case
        when {{ country }} = 'BE' and {{ regexp_matches(number, '^[0-9]{10}$') }}
            then 97 - {{ remainder(number, 1, 8, 97) }} = {{ weighted_digits(number, [10, 1], 9) }}
        when {{ country }} = 'CH' and {{ regexp_matches(number, '^[0-9]{9}$') }}
            then {{ weighted_digits(number, [5, 4, 3, 2, 7, 6, 5, 4, 1]) }} % 11 = 0
        when {{ country }} = 'FI' and {{ regexp_matches(number, '^[0-9]{8}$') }}
            then {{ weighted_digits(number, [7, 9, 10, 5, 8, 4, 2, 1]) }} % 11 = 0
        when {{ country }} = 'FR' and {{ regexp_matches(number, '^[0-9]{11}$') }}
            then
                (12 + 3 * {{ remainder(number, 3, 9, 97) }}) % 97
                = {{ weighted_digits(number, [10, 1]) }}
        when {{ country }} = 'GB' and {{ regexp_matches(number, '^[0-9]{9}([0-9]{3})?$') }}
            then {{ weighted_digits(number, [8, 7, 6, 5, 4, 3, 2, 10, 1]) }} % 97 in (0, 42)
        when {{ country }} = 'IT' and {{ regexp_matches(number, '^[0-9]{11}$') }}
            then ({{ (luhn_odd + luhn_even) | join(' + ') }}) % 10 = 0
        when {{ country }} = 'LU' and {{ regexp_matches(number, '^[0-9]{8}$') }}
            then {{ remainder(number, 1, 6, 89) }} = {{ weighted_digits(number, [10, 1], 7) }}
        -- Companies have the older rule, people who work for themselves the newer one, which reads
        -- the letters NL and B as 2321 and 11.
        when {{ country }} = 'NL' and {{ regexp_matches(number, '^[0-9]{9}B[0-9]{2}$') }}
            then
                {{ weighted_digits(number, [9, 8, 7, 6, 5, 4, 3, 2, -1]) }} % 11 = 0
                or (
                    {{ 2321 * 10 ** 13 % 97 }} + {{ 10 ** 4 % 97 }} * {{ remainder(number, 1, 9, 97) }}
                    + {{ 1100 % 97 }} + {{ weighted_digits(number, [10, 1], 11) }}
                ) % 97 = 1
    end
{%- endmacro %}
