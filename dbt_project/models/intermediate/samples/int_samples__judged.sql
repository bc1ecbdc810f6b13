-- What was judged of the contacts of the last sample. The last answer to any sample counts: each
-- was given blind, so a contact that is drawn again need not be judged again.
with drawn as (

    select * from {{ ref('int_samples__drawn') }}

),

answers as (

    select
        contact_id,
        company_id,
        decision,
        row_number() over (
            partition by contact_id
            order by decided_at desc nulls last, decision asc, company_id asc
        ) as place
    from {{ ref('int_decisions__file') }}
    where
        sample is not null
        and kind = 'company_link'
        and decision in ('force', 'none', 'unsure')
        and not is_taken_back

),

last_answers as (

    select * from answers
    where place = 1

),

-- All that people said of a pair, wherever they said it.
said as (

    select
        contact_id,
        company_id,
        decision
    from {{ ref('int_link_overrides__checked') }}
    where effect in ('in force', 'superseded')

    union all

    select
        contact_id,
        company_id,
        decision
    from answers
    where decision = 'none'

),

contradicted as (

    select distinct last_answers.contact_id
    from last_answers
    inner join said on last_answers.contact_id = said.contact_id
    where
        (last_answers.decision = 'none' and said.decision = 'force')
        or (
            last_answers.decision = 'force'
            and (
                said.decision = 'none'
                or (said.decision = 'force' and said.company_id <> last_answers.company_id)
                or (said.decision = 'forbid' and said.company_id = last_answers.company_id)
            )
        )

)

select
    drawn.*,
    last_answers.company_id as judged_company_id,
    case last_answers.decision when 'force' then 'company' else last_answers.decision end as answer,
    contradicted.contact_id is not null as is_contradicted
from drawn
left join last_answers on drawn.contact_id = last_answers.contact_id
left join contradicted on drawn.contact_id = contradicted.contact_id
