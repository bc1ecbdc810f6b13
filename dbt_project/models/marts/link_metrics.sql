with links as (

    select * from {{ ref('contact_company_links') }}

),

candidates as (

    select * from {{ ref('int_links__candidates') }}

),

totals as (

    select
        (select count(*) from candidates) as pair_count,
        (select count(*) from links) as contact_count

),

capped_keys as (

    select * from {{ ref('int_links__capped_keys') }}

),

rules as (

    {% for rule in blocking_rules() %}
        select
            '{{ rule }}' as rule,
            count(case when by_{{ rule }} = 1 then 1 end) as pair_count
        from candidates
        {%- if not loop.last %}

            union all
        {% endif %}
    {%- endfor %}

),

capped as (

    select
        rules.rule,
        count(capped_keys.rule) as key_count,
        coalesce(sum(capped_keys.pair_count), 0) as pair_count
    from rules
    left join capped_keys on rules.rule = capped_keys.rule
    group by rules.rule

),

counts as (

    select
        'candidate pairs' as metric,
        'all rules' as label,
        count(*) as metric_count,
        cast(null as bigint) as whole
    from candidates

    union all

    select
        'candidate pairs' as metric,
        rules.rule as label,
        rules.pair_count as metric_count,
        totals.pair_count as whole
    from rules
    cross join totals

    union all

    select
        'capped keys' as metric,
        rule as label,
        key_count as metric_count,
        null as whole
    from capped

    union all

    select
        'pairs not looked at' as metric,
        rule as label,
        cast(pair_count as bigint) as metric_count,
        null as whole
    from capped

    union all

    select
        'contacts by status' as metric,
        links.status as label,
        count(*) as metric_count,
        totals.contact_count as whole
    from links
    cross join totals
    group by links.status, totals.contact_count

    union all

    select
        'contacts by tier' as metric,
        links.status || ': ' || links.tier as label,
        count(*) as metric_count,
        totals.contact_count as whole
    from links
    cross join totals
    where links.tier is not null
    group by links.status, links.tier, totals.contact_count

)

select
    metric,
    label,
    metric_count,
    cast(metric_count as double) / nullif(whole, 0) as share
from counts
