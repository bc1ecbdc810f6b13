{#- The blocking rules: what two persons must share for the pair to be looked at. -#}
{% macro person_blocking_rules() -%}
    {{ return(['email', 'phone', 'name', 'birth_date', 'place', 'house', 'beginnings', 'endings']) }}
{%- endmacro %}


{#- The rules by which two of one system are compared, too. -#}
{% macro duplicate_blocking_rules() -%}
    {{ return(['email', 'phone', 'name', 'birth_date', 'place', 'house']) }}
{%- endmacro %}


{#- What is compared between two persons. -#}
{% macro person_features() -%}
    {{ return([
        'first_name', 'last_name', 'first_rarity', 'last_rarity', 'namesakes', 'email', 'phone',
        'birth_date', 'address', 'families', 'employer', 'pattern',
    ]) }}
{%- endmacro %}


{#- The levels of the feature address that place two persons near each other. -#}
{% macro near_home_levels() -%}
    ('house', 'street', 'postal_code')
{%- endmacro %}


{#- Which confidences (`person_bands`) a pair has: whether anything but names agrees. -#}
{% macro person_band_evidence(pair) -%}
    case
        when
            coalesce({{ pair }}.email_level, 'differs') = 'differs'
            and {{ pair }}.phone_level is null
            and coalesce({{ pair }}.birth_date_level, '') not in ('equal', 'swapped', 'slip')
            and coalesce({{ pair }}.address_level, '') not in {{ near_home_levels() }}
            and coalesce({{ pair }}.employer_level, '') <> 'equal'
            then 'names'
        else 'more'
    end
{%- endmacro %}


{#- Words of a name without what a person is addressed by. -#}
{% macro without_civility(words) -%}
    {{ regexp_replace_all(
        words,
        '^((m|mr|mrs|ms|miss|mx|mm|mme|mlle|dr|prof|monsieur|madame|mademoiselle|docteur|maitre|me|sir|herr|frau'
        ~ '|dhr|mevr|sig|signor|signora|sra|sr|don|dona) +)+',
        ''
    ) }}
{%- endmacro %}


{#-
    Words of a last name without particles, and without the words that stand before a maiden or a
    husband's name. Two spaces between words, so that neighbours do not share one.
-#}
{% macro without_particles(words) -%}
    {%- set particles =
        ' (de|du|des|d|la|le|les|l|van|von|vom|der|den|ter|ten|te|op|zu|zum|zur|di|da|do|dos|das|del|della|dello|degli'
        ~ '|dei|el|al|ben|bin|bint|ibn|ould|o|y|e|i|nee|ne|nees|epouse|epoux|epse|ep|ux|veuve|vve|geb|geborene|born) ' -%}
    trim({{ regexp_replace_all(
        regexp_replace_all("' ' || replace(" ~ words ~ ", ' ', '  ') || ' '", particles, ' '), ' +', ' '
    ) }})
{%- endmacro %}


{#-
    Whether two words are one but for a slip of the finger: a letter more, less or another after the
    first one, or two neighbours that changed places. Short words are too near to others.
-#}
{% macro is_slip(one, other) -%}
    (
        least(length({{ one }}), length({{ other }})) >= 4
        and abs(length({{ one }}) - length({{ other }})) <= 1
        and (
            left({{ one }}, 1) = left({{ other }}, 1) and {{ edit_distance(one, other) }} = 1
            or (
                length({{ one }}) = length({{ other }})
                and {{ edit_distance(one, other) }} = 2
                and (
                    {%- for place in range(1, 13) %}
                    {{ one }} = {% if place > 1 %}left({{ other }}, {{ place - 1 }}) || {% endif -%}
                    substring({{ other }}, {{ place + 1 }}, 1) || substring({{ other }}, {{ place }}, 1)
                    || substring({{ other }}, {{ place + 2 }})
                    {%- if not loop.last %} or{% endif %}
                    {%- endfor %}
                )
            )
        )
    )
{%- endmacro %}


{#-
    Whether two words are nearly one: as by a slip, by another letter at the beginning, or by two
    letters of a long word. Words that are three or more letters longer never are.
-#}
{% macro is_near(one, other) -%}
    (
        abs(length({{ one }}) - length({{ other }})) <= 2
        and (
            {{ is_slip(one, other) }}
            or least(length({{ one }}), length({{ other }})) >= 3
            and {{ edit_distance(one, other) }} = 1
            or least(length({{ one }}), length({{ other }})) >= 6
            and {{ edit_distance(one, other) }} = 2
        )
    )
{%- endmacro %}


{#- Whether the words of one name are among those of the other, side by side. -#}
{% macro is_part(one, other) -%}
    (
        instr(' ' || {{ one }} || ' ', ' ' || {{ other }} || ' ') > 0
        or instr(' ' || {{ other }} || ' ', ' ' || {{ one }} || ' ') > 0
    )
{%- endmacro %}


{#-
    How rare a name is, in points: ten for each factor of ten in how many bear it, a thousand names
    supposed beside those there are. `least` more bearers are supposed.
-#}
{% macro rarity_points(bearers, persons, least) -%}
    cast(round(10 * log10(({{ persons }} + 1000.0) / ({{ bearers }} + {{ least }}))) as integer)
{%- endmacro %}
