with overridden as (

    {{ overridden_links(
        ref('int_links__decided'), ref('int_links__scored'),
        ref('int_link_overrides__checked'), 'company_id'
    ) }}

)

select
    contact_id,
    case when not is_forbidden then coalesce(forced_company_id, company_id) end as company_id,
    case
        when forced_company_id is not null then 'forced'
        when is_forbidden then 'forbidden'
        else status
    end as status,
    case when is_agreed then tier end as tier,
    case when is_agreed then score end as score,
    case
        when forced_company_id is not null then cast(1 as decimal(4, 3))
        when not is_forbidden then confidence
    end as confidence,
    case when is_agreed then margin end as margin,
    case
        when is_agreed then runner_up_company_id
        when not is_forbidden then company_id
    end as runner_up_company_id,
    case when is_agreed then evidence_name end as evidence_name,
    case when is_agreed then evidence_person end as evidence_person,
    case when is_agreed then evidence_domain end as evidence_domain,
    case when is_agreed then evidence_phone end as evidence_phone,
    case when is_agreed then evidence_vat end as evidence_vat,
    case when is_agreed then evidence_address end as evidence_address,
    conflict and is_agreed as conflict,
    is_by_person and is_agreed as is_by_person,
    case
        when forced_company_id is not null or is_forbidden
            then
                case when is_forbidden then 'ruled out by ' else 'decided by ' end
                || coalesce(author, 'a person') || coalesce(': ' || reason, '')
        else reasons
    end as reasons,
    rule_version
from overridden
