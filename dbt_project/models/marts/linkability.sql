{%- set signals = {
    'organisation name': 'core_number is not null',
    'own domain': 'has_domain',
    'phone': 'has_phone',
    'VAT number': 'vat_number is not null',
    'street': 'street_name is not null',
    'city or postal code': 'city is not null or postal_code is not null',
    'name, own domain, phone or VAT number':
        'core_number is not null or has_domain or has_phone or vat_number is not null',
    'none of these': 'core_number is null and not has_domain and not has_phone and vat_number is null',
} -%}

with
{%- for side, sides in {'contact': 'contacts', 'company': 'companies'}.items() %}

    match_keys_of_{{ sides }} as (

        select * from {{ ref('int_' ~ sides ~ '__match_keys') }}

    ),

    {{ side }}_domains as (

        select distinct {{ side }}_id from {{ ref('int_' ~ sides ~ '__domains') }}

    ),

    {{ side }}_phones as (

        select distinct {{ side }}_id from {{ ref('int_' ~ sides ~ '__phones') }}

    ),

    {{ sides }} as (

        select
            match_keys.*,
            {{ side }}_domains.{{ side }}_id is not null as has_domain,
            {{ side }}_phones.{{ side }}_id is not null as has_phone
        from match_keys_of_{{ sides }} as match_keys
        left join {{ side }}_domains on match_keys.{{ side }}_id = {{ side }}_domains.{{ side }}_id
        left join {{ side }}_phones on match_keys.{{ side }}_id = {{ side }}_phones.{{ side }}_id

    ),

    {{ side }}_signals as (

        {% for signal, condition in signals.items() %}
            select
                {{ loop.index }} as place,
                '{{ signal }}' as signal,
                count(*) as record_count,
                count(case when {{ condition }} then 1 end) as signal_count
            from {{ sides }}
            {%- if not loop.last %}

                union all
            {% endif %}
        {%- endfor %}

    ),
{%- endfor %}

shares as (

    select
        contact_signals.place,
        contact_signals.signal,
        contact_signals.signal_count as contact_count,
        cast(contact_signals.signal_count as double)
        / nullif(contact_signals.record_count, 0) as contact_share,
        company_signals.signal_count as company_count,
        cast(company_signals.signal_count as double)
        / nullif(company_signals.record_count, 0) as company_share
    from contact_signals
    inner join company_signals on contact_signals.place = company_signals.place

)

select * from shares
