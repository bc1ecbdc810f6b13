-- Each contact counts once by status, and once by tier where it has one; some rule found each pair.
with sums as (

    select
        metric,
        sum(metric_count) as metric_count
    from {{ ref('link_metrics') }}
    where label <> 'all rules'
    group by metric

),

due as (

    select
        'contacts by status' as metric,
        count(*) as least,
        count(*) as most
    from {{ ref('contact_company_links') }}

    union all

    select
        'contacts by tier' as metric,
        count(tier) as least,
        count(tier) as most
    from {{ ref('contact_company_links') }}

    union all

    select
        'candidate pairs' as metric,
        count(*) as least,
        {{ blocking_rules() | length }} * count(*) as most
    from {{ ref('int_links__candidates') }}

)

select
    due.metric,
    due.least,
    due.most,
    sums.metric_count
from due
left join sums on due.metric = sums.metric
where coalesce(sums.metric_count, 0) not between due.least and due.most
