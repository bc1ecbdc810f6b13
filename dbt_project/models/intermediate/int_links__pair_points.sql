{%- set features = ['name', 'vat', 'domain', 'phone', 'address', 'city', 'country'] -%}

with compared as (

    select * from {{ ref('int_links__compared') }}

),

link_points as (

    select * from {{ ref('link_points') }}

),

pointed as (

    select
        compared.contact_number,
        compared.company_number,
    {%- for feature in features %}
        compared.{{ feature }}_level,
        coalesce({{ feature }}_points.points, 0) as {{ feature }}_points{{ ',' if not loop.last }}
    {%- endfor %}
    from
        compared
    {%- for feature in features %}
        left join link_points as {{ feature }}_points
            on
                {{ feature }}_points.feature = '{{ feature }}'
                and compared.{{ feature }}_level = {{ feature }}_points.level
    {%- endfor %}

)

select
    *,
    {% for feature in features -%}
        {{ feature }}_points{{ ' + ' if not loop.last }}
    {%- endfor %} as score
from pointed
