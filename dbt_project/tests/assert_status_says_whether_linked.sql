-- A contact has a company exactly where its link is decided, and a method where any company fits.
select
    contact_id,
    company_id,
    status,
    method
from {{ ref('contact_company_links') }}
where
    (status = 'auto') <> (company_id is not null)
    or (status = 'none') <> (method is null)
