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
        'names_alike', 'names_equal',
    ]) }}
{%- endmacro %}

{% macro pair_features() -%}
    {{ return([
        'form', 'name_city', 'name_standing', 'person', 'domain', 'domain_standing', 'phone', 'vat',
        'address', 'city', 'country', 'office',
    ]) }}
{%- endmacro %}


{#-
    Adds up weights: selects the columns of a relation, `<feature>_weight` for each feature, and
    their sum as the given name. A level without a row in the seed weighs nothing.
-#}
{% macro weighed_levels(relation, features, total, extra=none, seed='int_links__levels') -%}
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


{#-
    Tells the levels of a relation in words: a row per feature that has words, in their order
    (`position`), with the columns that identify a row.

    features: what is told, in its order; the relation has `<feature>_level` for each
-#}
{% macro told_levels(relation, keys, features, seed) -%}
    with levels as (
        {%- for feature in features %}
        select
            {{ keys | join(', ') }},
            {{ loop.index }} as position,
            '{{ feature }}' as feature,
            {{ feature }}_level as level
        from {{ relation }}
        where {{ feature }}_level is not null
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    )

    select
        levels.*,
        worded.weight,
        worded.wording
    from levels
    inner join {{ ref(seed) }} as worded
        on levels.feature = worded.feature and levels.level = worded.level
    where worded.wording is not null and worded.wording <> ''
{%- endmacro %}


{#- Tells the levels of a relation in one text per row, in their order: `told_levels` joined by signs. -#}
{% macro told_reasons(relation, keys, features, seed) -%}
    select
        {{ keys | join(', ') }},
        {{ words_in_order('wording', 'position', '; ') }} as reasons
    from (
        {{ told_levels(relation, keys, features, seed) }}
    ) as told
    group by {{ keys | join(', ') }}
{%- endmacro %}
