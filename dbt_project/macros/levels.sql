{#-
    The level of a measure by bands: "from_40" from 40 on, "from_0" below all of the bounds. A null has
    none. The bounds are whole numbers, the highest first.
-#}
{% macro band_level(measure, bounds) -%}
    case
        when {{ measure }} is null then null
        {%- for bound in bounds %}
        when {{ measure }} >= {{ bound }} then 'from_{{ bound }}'
        {%- endfor %}
        else 'from_0'
    end
{%- endmacro %}


{#- The features of a pair of names, and those of a pair of a contact and a company. -#}
{% macro name_features() -%}
    {{ return([
        'name', 'letters', 'contact_words', 'company_words', 'first_word', 'contact_missing',
        'company_missing', 'rarest_word', 'shared_rarity', 'contact_rival', 'company_rival', 'team',
    ]) }}
{%- endmacro %}

{% macro pair_features() -%}
    {{ return([
        'form', 'name_city', 'name_standing', 'domain', 'domain_standing', 'phone', 'vat', 'address',
        'city', 'country',
    ]) }}
{%- endmacro %}


{#-
    Adds up weights: selects the columns of a relation, `<feature>_weight` for each feature, and
    their sum as the given name. A level without a row in the seed weighs nothing.
-#}
{% macro weighed_levels(relation, features, total, extra=none, seed='link_levels') -%}
    select
        levels.*,
    {%- for feature in features %}
        coalesce({{ feature }}_of.weight, 0) as {{ feature }}_weight,
    {%- endfor %}
        {% if extra %}{{ extra }} + {% endif -%}
    {%- for feature in features %}
        coalesce({{ feature }}_of.weight, 0){{ ' +' if not loop.last }}
    {%- endfor %} as {{ total }}
    from {{ relation }} as levels
    {%- for feature in features %}
    left join {{ ref(seed) }} as {{ feature }}_of
        on
            {{ feature }}_of.feature = '{{ feature }}'
            and levels.{{ feature }}_level = {{ feature }}_of.level
    {%- endfor %}
{%- endmacro %}
