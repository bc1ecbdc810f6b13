-- A contact has a company exactly where its status says so; what rules gave it has its evidence.
select
    contact_id,
    company_id,
    status,
    tier,
    score,
    confidence
from {{ ref('contact_company_links') }}
where
    (status in ('forced', 'auto', 'review')) <> (company_id is not null)
    or (
        status in ('auto', 'review')
        and (tier is null or score is null or confidence is null)
    )
    or (status in ('none', 'forbidden') and coalesce(tier, '') <> '')
