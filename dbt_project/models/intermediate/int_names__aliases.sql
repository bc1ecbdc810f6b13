-- Names of contacts that by people's decisions stand for a company of another name: a row per name
-- and company.
with decisions as (

    select * from {{ ref('int_link_overrides__checked') }}
    where effect = 'in force'

),

contacts as (

    select * from {{ ref('int_contacts__match_keys') }}
    where squeezed_name is not null

),

companies as (

    select * from {{ ref('int_companies__match_keys') }}

),

tokens as (

    select * from {{ ref('int_names__tokens') }}

),

forced as (

    select
        contacts.squeezed_name,
        contacts.contact_id,
        decisions.company_id,
        decisions.decided_at,
        decisions.sample
    from decisions
    inner join contacts on decisions.contact_id = contacts.contact_id
    where decisions.decision = 'force'

),

-- What several contacts were given in one moment is one decision. Answers to a sample measure the
-- rules, so they teach them no name: only what was missed elsewhere would be left to find.
taught as (

    select
        forced.squeezed_name,
        companies.company_number,
        companies.company_id,
        companies.company_name,
        {{ words_in_order('forced.contact_id', 'forced.contact_id', ', ') }} as decided_contacts,
        count(distinct coalesce(cast(forced.decided_at as string), forced.contact_id))
            as decision_count,
        max(forced.decided_at) as last_decided_at
    from forced
    inner join companies on forced.company_id = companies.company_id
    where forced.squeezed_name <> companies.squeezed_name and forced.sample is null
    group by
        forced.squeezed_name, companies.company_number, companies.company_id, companies.company_name

),

forced_names as (

    select
        squeezed_name,
        count(distinct company_id) as company_count,
        count(*) as contact_count
    from forced
    group by squeezed_name

),

bearers as (

    select
        squeezed_name,
        min(organisation_name) as contact_name,
        min(core_number) as core_number,
        count(*) as contact_count
    from contacts
    group by squeezed_name

),

words as (

    select
        core_number,
        count(place) as word_count,
        max(weight) < 40 or min(is_generic) = 1 as is_generic
    from tokens
    group by core_number

),

company_names as (

    select distinct squeezed_name from companies

),

ruled_out as (

    select distinct
        contacts.squeezed_name,
        decisions.company_id
    from decisions
    inner join contacts on decisions.contact_id = contacts.contact_id
    where decisions.decision = 'forbid'

),

forbidden as (

    select distinct
        contacts.squeezed_name,
        decided.company_id
    from {{ ref('int_decisions__file') }} as decided
    inner join contacts on decided.contact_id = contacts.contact_id
    where
        decided.kind = 'company_alias'
        and decided.decision = 'forbid'
        and not decided.is_taken_back

),

-- One wrong decision must not spread: a name that may be anybody's teaches nothing.
checked as (

    select
        taught.*,
        bearers.contact_name,
        bearers.contact_count - forced_names.contact_count as affected_contact_count,
        case
            when forbidden.company_id is not null then 'a person forbade the alias'
            when forced_names.company_count > 1
                then 'ambiguous: people gave the name to several companies'
            when ruled_out.company_id is not null
                then 'ambiguous: a person ruled the company out for a contact of the name'
            when company_names.squeezed_name is not null then 'a company bears the name itself'
            when words.is_generic then 'the name is made of common words'
            when words.word_count < 2 and taught.decision_count < 2
                then 'the name is one word, and was decided once'
        end as objection
    from taught
    inner join forced_names on taught.squeezed_name = forced_names.squeezed_name
    inner join bearers on taught.squeezed_name = bearers.squeezed_name
    inner join words on bearers.core_number = words.core_number
    left join company_names on taught.squeezed_name = company_names.squeezed_name
    left join ruled_out
        on
            taught.squeezed_name = ruled_out.squeezed_name
            and taught.company_id = ruled_out.company_id
    left join forbidden
        on
            taught.squeezed_name = forbidden.squeezed_name
            and taught.company_id = forbidden.company_id

)

select
    squeezed_name,
    contact_name,
    company_number,
    company_id,
    company_name,
    decided_contacts,
    decision_count,
    last_decided_at,
    affected_contact_count,
    objection is null as is_active,
    coalesce(objection, 'in force') as effect
from checked
