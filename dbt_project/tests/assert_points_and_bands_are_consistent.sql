-- Each level has its points once, a surer band begins higher, and a band begins at the threshold.
select
    'points' as broken,
    feature as detail
from {{ ref('link_points') }}
group by feature, level
having count(*) > 1

union all

select
    'bands' as broken,
    bands.tier || ' ' || cast(bands.lower_bound as varchar(100)) as detail
from {{ ref('link_bands') }} as bands
inner join {{ ref('link_bands') }} as surer
    on
        bands.tier = surer.tier
        and bands.is_contested = surer.is_contested
        and bands.lower_bound < surer.lower_bound
        and bands.confidence >= surer.confidence

union all

select
    'threshold' as broken,
    tier as detail
from {{ ref('link_bands') }}
group by tier, is_contested
having min(lower_bound) > {{ var('link_threshold') }}
