-- What the rules decide about each contact, before people's decisions.
with contacts as (

    select * from {{ ref('int_contacts__match_keys') }}

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

tiers as (

    select * from {{ ref('int_links__tiers') }}

),

link_bands as (

    select * from {{ ref('int_links__bands') }}

),

-- The account's own weights have a version of their own.
own_weights as (

    select
        case
            when count(*) > 0
                then
                    ', own weights '
                    || left(md5({{ words_in_order(
                        "feature || ' ' || level || ' ' || weight", "feature || ' ' || level", ';'
                    ) }}), 8)
        end as own_version
    from {{ ref('int_links__levels') }}
    where weight <> shipped_weight

),

evidence as (

    select
        contact_number,
        {{ words_in_order('wording', 'position', '; ') }} as reasons,
        max(case when feature = 'name' then wording end) as evidence_name,
        max(case when feature = 'person' then wording end) as evidence_person,
        max(case when feature = 'domain' then wording end) as evidence_domain,
        max(case when feature = 'phone' then wording end) as evidence_phone,
        max(case when feature = 'vat' then wording end) as evidence_vat,
        max(case when feature = 'address' then wording end) as evidence_address,
        max(case when feature = 'city' then wording end) as evidence_city
    from {{ ref('int_links__evidence') }}
    group by contact_number

),

paired_contacts as (

    select distinct contact_number from {{ ref('int_links__pairs') }}

),

-- The band of a link is the highest that it reaches of those for its tier.
confidences as (

    select
        tiers.contact_number,
        max_by(link_bands.confidence, link_bands.lower_bound) as confidence
    from tiers
    inner join link_bands on tiers.tier = link_bands.tier and tiers.lead >= link_bands.lower_bound
    group by tiers.contact_number

),

weighed as (

    select
        tiers.*,
        confidences.confidence,
        coalesce(tiers.margin < {{ var('link_margin') }}, false) as is_contested,
        confidences.confidence >= {{ var('review_confidence') }}
        and tiers.score >= {{ var('link_threshold') }} as is_proposed
    from tiers
    inner join confidences on tiers.contact_number = confidences.contact_number

),

-- A contact without a company says what it lacks, or which company came nearest.
unlinked as (

    select
        contacts.contact_number,
        case
            when
                contacts.core_number is null
                and contacts.first_domain is null
                and contacts.first_phone is null
                and contacts.vat_number is null
                then
                    'nothing to link by: no organisation, no domain of its own, no phone number, '
                    || 'no VAT number'
                    || case when contacts.street_name is null then ', no street' else '' end
            when paired_contacts.contact_number is null then 'no company shares a key with it'
            when weighed.margin = 0
                then
                    'two companies agree equally, neither well enough: '
                    || coalesce(companies.company_name, weighed.company_id) || ' and '
                    || coalesce(runners_up.company_name, weighed.runner_up_company_id)
            when weighed.contact_number is null then 'no company agrees in anything that tells'
            else
                'the nearest company, ' || coalesce(companies.company_name, weighed.company_id)
                || ', agrees too little'
        end as reasons
    from contacts
    left join paired_contacts on contacts.contact_number = paired_contacts.contact_number
    left join weighed on contacts.contact_number = weighed.contact_number
    left join companies on weighed.company_id = companies.company_id
    left join companies as runners_up on weighed.runner_up_company_id = runners_up.company_id
    where not coalesce(weighed.is_proposed, false)

),

proposed as (

    select
        weighed.*,
        case
            when
                weighed.confidence >= {{ var('auto_confidence') }}
                and weighed.caution is null
                and not weighed.is_contested
                then 'auto'
            else 'review'
        end as status,
        evidence.evidence_name,
        evidence.evidence_person,
        evidence.evidence_domain,
        evidence.evidence_phone,
        evidence.evidence_vat,
        coalesce(evidence.evidence_address, evidence.evidence_city) as evidence_address,
        coalesce(evidence.reasons || '; ', '')
        || coalesce(weighed.caution || '; ', '')
        || case
            when weighed.margin = 0
                then 'another company agrees as well: the smaller id is proposed'
            when weighed.is_contested then 'another company agrees nearly as well'
            else 'no other company agrees as well'
        end as reasons
    from weighed
    left join evidence on weighed.contact_number = evidence.contact_number
    where weighed.is_proposed

)

select
    contacts.contact_id,
    proposed.company_id,
    coalesce(proposed.status, 'none') as status,
    proposed.tier,
    proposed.score,
    proposed.confidence,
    proposed.margin,
    proposed.runner_up_company_id,
    proposed.evidence_name,
    proposed.evidence_person,
    proposed.evidence_domain,
    proposed.evidence_phone,
    proposed.evidence_vat,
    proposed.evidence_address,
    coalesce(
        proposed.vat_speaks = 'against'
        or proposed.country_speaks = 'against'
        or proposed.name_speaks = 'against'
        or proposed.person_speaks = 'against',
        false
    ) as conflict,
    coalesce(proposed.person_speaks = 'for', false) as is_by_person,
    coalesce(proposed.reasons, unlinked.reasons) as reasons,
    '{{ var("link_rule_version") }}{{ "+bands" if var("link_bands_follow") }}'
    || coalesce(own_weights.own_version, '') as rule_version
from contacts
cross join own_weights
left join proposed on contacts.contact_number = proposed.contact_number
left join unlinked on contacts.contact_number = unlinked.contact_number
