-- A contact has a company exactly where its link is decided or proposed, and what rules decided has
-- the evidence for it.
select
    contact_id,
    company_id,
    status,
    tier,
    score,
    margin,
    confidence
from {{ ref('contact_company_links') }}
where
    (status in ('forced', 'auto', 'review')) <> (company_id is not null)
    or (company_id is not null) <> (confidence is not null)
    or (status in ('auto', 'review') and (tier is null or score is null))
    or (status = 'review' and confidence < {{ var('review_confidence') }})
    or (status = 'auto' and confidence < {{ var('auto_confidence') }})
    or (status = 'auto' and coalesce(margin < {{ var('link_margin') }}, false))
