-- What the rules decide about each contact, before people's decisions.
{%- set features = [
    'first_name', 'last_name', 'email', 'phone', 'birth_date', 'address', 'employer',
] %}

with contacts as (

    select contact_id from {{ ref('stg_kananas__contacts') }}

),

keys as (

    select
        person_id as contact_id,
        person_number as contact_number
    from {{ ref('int_persons__keys') }}
    where side = 'contact'

),

tiers as (

    select * from {{ ref('int_persons__tiers') }}

),

person_bands as (

    select * from {{ ref('person_bands') }}

),

evidence as (

    select
        contact_number,
        {{ words_in_order('wording', 'position', '; ') }} as reasons,
    {%- for feature in features %}
        max(case when feature = '{{ feature }}' then wording end)
            as evidence_{{ feature }}{{ ',' if not loop.last }}
    {%- endfor %}
    from {{ ref('int_persons__evidence') }}
    group by contact_number

),

compared_contacts as (

    select distinct contact_number from {{ ref('int_persons__candidates') }}

),

-- The band of a link is the highest that it reaches.
confidences as (

    select
        tiers.contact_number,
        max_by(person_bands.confidence, person_bands.lower_bound) as confidence
    from tiers
    inner join person_bands
        on
            tiers.evidence = person_bands.evidence
            and tiers.lead >= person_bands.lower_bound
    group by tiers.contact_number

),

weighed as (

    select
        tiers.*,
        confidences.confidence,
        coalesce(tiers.margin < {{ var('link_margin') }}, false) as is_contested,
        -- In a household, and of first names that are not the same, only the contact that agrees
        -- best is proposed.
        confidences.confidence >= {{ var('review_confidence') }}
        and not (
            (
                tiers.is_shared
                or coalesce(tiers.first_name_level, '') in ('near', 'differs')
            )
            and coalesce(tiers.margin, 0) < 0
        ) as is_proposed
    from tiers
    inner join confidences on tiers.contact_number = confidences.contact_number

)

select
    contacts.contact_id,
    case when weighed.is_proposed then weighed.kizen_contact_id end as kizen_contact_id,
    case
        when not coalesce(weighed.is_proposed, false) then 'none'
        when
            weighed.confidence >= {{ var('auto_confidence') }}
            and weighed.caution is null
            and not weighed.is_contested
            then 'auto'
        else 'review'
    end as status,
    case when weighed.is_proposed then weighed.tier end as tier,
    case when weighed.is_proposed then weighed.score end as score,
    case when weighed.is_proposed then weighed.confidence end as confidence,
    case when weighed.is_proposed then weighed.margin end as margin,
    case when weighed.is_proposed then weighed.runner_up_kizen_contact_id end
        as runner_up_kizen_contact_id,
    {%- for feature in features %}
        case when weighed.is_proposed then evidence.evidence_{{ feature }} end
            as evidence_{{ feature }},
    {%- endfor %}
    case
        when keys.contact_number is null then 'the contact is an organisation, or has no name'
        when compared_contacts.contact_number is null then 'nobody in the CRM shares a key with it'
        when weighed.contact_number is null
            then 'nobody in the CRM has its first name and agrees in more'
        when not weighed.is_proposed and weighed.rival_contact_id is not null and weighed.margin < 0
            then
                'another contact, ' || weighed.rival_contact_id || ', agrees better with '
                || weighed.kizen_contact_id
        when not weighed.is_proposed
            then 'the nearest person, ' || weighed.kizen_contact_id || ', agrees too little'
        else
            coalesce(evidence.reasons || '; ', '')
            || coalesce(weighed.caution || '; ', '')
            || case
                when weighed.margin = 0 and weighed.rival_contact_id is not null
                    then
                        'another contact, ' || weighed.rival_contact_id
                        || ', agrees as well with the person'
                when weighed.margin = 0
                    then 'another person agrees as well: the smaller id is proposed'
                when weighed.margin < 0
                    then
                        'another contact, ' || weighed.rival_contact_id
                        || ', agrees better with the person: it may be registered twice'
                when weighed.is_contested and weighed.rival_contact_id is not null
                    then
                        'another contact, ' || weighed.rival_contact_id
                        || ', agrees nearly as well with the person'
                when weighed.is_contested then 'another person agrees nearly as well'
                else 'nobody else agrees as well'
            end
    end as reasons,
    '{{ var("person_rule_version") }}' as rule_version
from contacts
left join keys on contacts.contact_id = keys.contact_id
left join compared_contacts on keys.contact_number = compared_contacts.contact_number
left join weighed on keys.contact_number = weighed.contact_number
left join evidence on weighed.contact_number = evidence.contact_number
