{{ config(materialized='view') }}

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

disputed as (

    select * from {{ ref('int_links__disputed') }}

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

-- What rests on a name or a domain alone is less sure where others who have it are elsewhere.
weighed as (

    select
        best.*,
        coalesce(disputed.is_domain_disputed, false) as is_domain_disputed,
        coalesce(disputed.is_domain_doubted, false) as is_domain_doubted,
        coalesce(
            disputed.is_domain_confirmed and best.domain_level in (7, 8, 10), false
        ) as is_domain_confirmed,
        -- Who is elsewhere by its own domain is one of those who were counted.
        coalesce(
            disputed.is_name_disputed
            and best.name_level >= 10
            and coalesce(best.domain_level, 3) >= 3,
            false
        ) as is_name_disputed,
        coalesce(disputed.is_domain_of_several and best.domain_level in (7, 8, 10), false)
            as is_domain_of_several,
        coalesce(disputed.is_name_of_several and best.name_level >= 10, false)
            as is_name_of_several
    from best
    left join disputed on best.company_id = disputed.company_id

),

tiered as (

    select
        *,
        coalesce(margin < {{ var('link_margin') }}, false) as is_contested,
        case
            when vat_level = 1 then 'vat'
            when name_level >= 8 and domain_level >= 5 then 'name and domain'
            when name_level >= 8 and phone_level >= 2 then 'name and phone'
            when name_level >= 8 and (address_level >= 2 or city_level = 2) then 'name and place'
            when name_level >= 8 and is_name_disputed then 'disputed name'
            when is_name_of_several then 'name of several'
            when name_level = 12 then 'name with another form'
            when name_level >= 8 and country_level >= 1 then 'name and country'
            when name_level >= 8 then 'name'
            when name_level >= 6 and domain_level >= 5 then 'similar name and domain'
            when name_level >= 2 and domain_level >= 6 then 'similar name and domain'
            when name_level >= 2 and phone_level >= 2 then 'similar name and phone'
            when
                name_level >= 2 and (address_level >= 2 or city_level = 2)
                or name_level = 1 and address_level >= 3 and domain_level is null
                then 'similar name and place'
            -- Who has the part of a name as a domain may be another than who has the name.
            when name_level >= 2 and domain_level = 5 then 'part of a name and domain'
            when name_level >= 2 then 'similar name'
            when
                domain_level >= 5
                and (phone_level >= 2 or address_level >= 2 or city_level = 2)
                or domain_level = 4 and address_level >= 3
                then 'domain and phone or place'
            when is_domain_of_several then 'domain of several'
            when domain_level >= 5 and is_domain_disputed then 'disputed domain'
            when domain_level >= 5 and is_domain_doubted then 'doubted domain'
            when domain_level >= 5 and is_domain_confirmed then 'domain and colleagues'
            -- A stranger, too, is likely to be of the country that most are of.
            when
                domain_level >= 5
                and (
                    country_level = 2
                    or country_level = 1 and city_level is null and phone_level is null
                )
                then 'domain and country'
            when domain_level >= 5 then 'domain'
            when phone_level >= 2 then 'phone'
            else 'place'
        end as tier
    from weighed

),

-- The band of a link is the highest it reaches of those for its tier.
band_bounds as (

    select
        tiered.contact_id,
        max(link_bands.lower_bound) as lower_bound
    from tiered
    inner join link_bands
        on
            tiered.score >= link_bands.lower_bound
            and tiered.is_contested = link_bands.is_contested
            and link_bands.tier in (tiered.tier, 'any')
    group by tiered.contact_id

),

worded as (

    select
        tiered.*,
        link_bands.confidence,
    {%- for feature in features %}
        {{ feature }}_points_of.wording as {{ feature }}_wording{{ ',' if not loop.last }}
    {%- endfor %}
    from
        tiered
    left join band_bounds on tiered.contact_id = band_bounds.contact_id
    left join link_bands
        on
            band_bounds.lower_bound = link_bands.lower_bound
            and tiered.is_contested = link_bands.is_contested
            and link_bands.tier in (tiered.tier, 'any')
    {%- for feature in features %}
        left join link_points as {{ feature }}_points_of
            on
                {{ feature }}_points_of.feature = '{{ feature }}'
                and tiered.{{ feature }}_level = {{ feature }}_points_of.level
    {%- endfor %}
    where link_bands.confidence >= {{ var('review_confidence') }}

)

select
    contacts.contact_id,
    worded.company_id,
    case
        when worded.contact_id is null then 'none'
        when not worded.is_contested and worded.confidence >= {{ var('auto_confidence') }}
            then 'auto'
        else 'review'
    end as status,
    worded.tier,
    worded.score,
    worded.confidence,
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
    || case worded.tier
        when 'disputed name' then 'more of those who bear the name are elsewhere; '
        when 'name of several' then 'others bear the name, where a company has one contact; '
        when 'domain of several' then 'others have the domain, where a company has one contact; '
        when 'disputed domain' then 'more of those with the domain name other companies; '
        when 'doubted domain' then 'somebody with the domain names another company; '
        when 'domain and colleagues' then 'colleagues with the domain are of the company; '
        else ''
    end
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
