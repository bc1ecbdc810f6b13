{%- set features = [
    'first_name', 'last_name', 'email', 'phone', 'birth_date', 'address', 'employer',
] %}

with overridden as (

    {{ overridden_links(
        ref('int_persons__decided'), ref('int_persons__scored'),
        ref('int_person_overrides__checked'), 'kizen_contact_id'
    ) }}

)

select
    contact_id,
    coalesce(forced_kizen_contact_id, kizen_contact_id) as kizen_contact_id,
    case
        when forced_kizen_contact_id is not null then 'forced'
        when is_forbidden then 'forbidden'
        else status
    end as status,
    case when is_agreed then tier end as tier,
    case when is_agreed then score end as score,
    case
        when forced_kizen_contact_id is not null then cast(1 as decimal(4, 3))
        else confidence
    end as confidence,
    case when is_agreed then margin end as margin,
    case when is_agreed then runner_up_kizen_contact_id else kizen_contact_id end
        as runner_up_kizen_contact_id,
    {%- for feature in features %}
        case when is_agreed then evidence_{{ feature }} end as evidence_{{ feature }},
    {%- endfor %}
    case
        when forced_kizen_contact_id is not null or is_forbidden
            then
                case when is_forbidden then 'ruled out by ' else 'decided by ' end
                || coalesce(author, 'a person') || coalesce(': ' || reason, '')
        else reasons
    end as reasons,
    rule_version
from overridden
