-- Each level has its weight once, a surer band begins higher, and each tier has a band.
select
    'levels' as broken,
    feature || ' ' || level as detail
from {{ ref('int_links__levels') }}
group by feature, level
having count(*) > 1

union all

select
    'trends' as broken,
    levels.feature || ' ' || levels.level as detail
from {{ ref('int_links__levels') }} as levels
inner join {{ ref('int_links__levels') }} as others
    on
        levels.feature = others.feature
        and levels.place < others.place
where
    levels.trend = 'rising' and levels.weight > others.weight
    or levels.trend = 'falling' and levels.weight < others.weight

union all

select
    'bands' as broken,
    bands.tier || ' ' || bands.lower_bound as detail
from {{ ref('link_bands') }} as bands
inner join {{ ref('link_bands') }} as surer
    on
        bands.tier = surer.tier
        and bands.lower_bound < surer.lower_bound
        and bands.confidence >= surer.confidence

union all

select
    'bounds' as broken,
    tier as detail
from {{ ref('link_bands') }}
group by tier
having min(lower_bound) > -100
