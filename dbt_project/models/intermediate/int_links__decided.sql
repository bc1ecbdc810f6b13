{%- set features = ['name', 'vat', 'domain', 'phone', 'address', 'city', 'country'] -%}

with contacts as (

    select contact_id from {{ ref('int_contacts__match_keys') }}

),

overrides as (

    select * from {{ ref('int_link_overrides__checked') }}

),

-- A pair that a person ruled out is none: the next best company takes its place.
scored as (

    select scored_pairs.*
    from {{ ref('int_links__scored') }} as scored_pairs
    left join overrides
        on
            scored_pairs.contact_id = overrides.contact_id
            and scored_pairs.company_id = overrides.company_id
            and overrides.decision = 'forbid'
            and overrides.effect = 'in force'
    where overrides.contact_id is null

),

link_points as (

    select * from {{ ref('link_points') }}

),

link_bands as (

    select * from {{ ref('link_bands') }}

),

-- Runners-up below the threshold count too, as far as they are within the margin of it.
ranked as (

    select
        *,
        row_number() over (partition by contact_id order by score desc, company_id asc) as place,
        lead(company_id)
            over (partition by contact_id order by score desc, company_id asc)
            as runner_up_company_id,
        score
        - lead(score) over (partition by contact_id order by score desc, company_id asc) as margin
    from scored
    where score >= {{ var('link_threshold') }} - {{ var('link_margin') }}

),

best as (

    select * from ranked
    where place = 1 and score >= {{ var('link_threshold') }}

),

band_bounds as (

    select
        best.contact_id,
        max(link_bands.lower_bound) as lower_bound
    from best
    inner join link_bands
        on
            best.score >= link_bands.lower_bound
            and link_bands.is_contested = coalesce(best.margin < {{ var('link_margin') }}, false)
    group by best.contact_id

),

worded as (

    select
        best.*,
        {%- for feature in features %}
            {{ feature }}_points_of.wording as {{ feature }}_wording,
        {%- endfor %}
        coalesce(best.margin < {{ var('link_margin') }}, false) as is_contested
    from
        best
    {%- for feature in features %}
        left join link_points as {{ feature }}_points_of
            on
                {{ feature }}_points_of.feature = '{{ feature }}'
                and best.{{ feature }}_level = {{ feature }}_points_of.level
    {%- endfor %}

)

select
    contacts.contact_id,
    worded.company_id,
    case
        when worded.contact_id is null then 'none'
        when worded.is_contested or worded.score < {{ var('auto_threshold') }} then 'review'
        else 'auto'
    end as status,
    case
        when worded.vat_level = 1 then 'vat'
        when worded.name_level >= 6 and worded.domain_level >= 5 then 'name and domain'
        when worded.name_level >= 6 and worded.phone_level >= 1 then 'name and phone'
        when worded.name_level >= 6 and (worded.address_level >= 2 or worded.city_level = 2)
            then 'name and place'
        when worded.name_level >= 6 then 'name'
        when worded.name_level >= 2 and worded.domain_level >= 5 then 'similar name and domain'
        when worded.name_level >= 2 and worded.phone_level >= 1 then 'similar name and phone'
        when worded.name_level >= 2 and (worded.address_level >= 2 or worded.city_level = 2)
            then 'similar name and place'
        when worded.name_level >= 2 then 'similar name'
        when worded.domain_level >= 5 and (worded.phone_level >= 1 or worded.address_level >= 2)
            then 'domain and phone or place'
        when worded.domain_level >= 5 then 'domain'
        when worded.phone_level >= 1 then 'phone'
        when worded.contact_id is not null then 'place'
    end as tier,
    worded.score,
    link_bands.confidence,
    worded.margin,
    worded.runner_up_company_id,
    worded.name_wording as evidence_name,
    worded.domain_wording as evidence_domain,
    worded.phone_wording as evidence_phone,
    worded.vat_wording as evidence_vat,
    coalesce(worded.address_wording, worded.city_wording) as evidence_address,
    coalesce(
        worded.vat_level = 0
        or worded.country_level = 0
        or worded.name_level = 0,
        false
    ) as conflict,
    ''
    {%- for feature in features %}
        || coalesce(worded.{{ feature }}_wording || '; ', '')
    {%- endfor %}
    || case
        when worded.contact_id is null then 'no company agrees well enough'
        when worded.margin = 0
            then 'another company agrees as well: the smaller id is proposed'
        when worded.is_contested then 'another company agrees nearly as well'
        else 'no other company agrees as well'
    end as reasons,
    '{{ var("link_rule_version") }}' as rule_version
from contacts
left join worded on contacts.contact_id = worded.contact_id
left join band_bounds on worded.contact_id = band_bounds.contact_id
left join link_bands
    on
        band_bounds.lower_bound = link_bands.lower_bound
        and worded.is_contested = link_bands.is_contested
