"""What simpler ways of linking find in the same data."""

from __future__ import annotations

NAMES_AS_WRITTEN = """
select contacts.contact_id, companies.company_id
from intermediate.int_contacts__match_keys as contacts
inner join intermediate.int_companies__match_keys as companies
    on lower(trim(contacts.organisation_name)) = lower(trim(companies.company_name))
"""

# An unambiguous equal name without legal form; failing that, an unambiguous own domain.
CORE_NAME_OR_DOMAIN = """
with agreements as (
    select contacts.contact_id, companies.company_id, 1 as precedence
    from intermediate.int_contacts__match_keys as contacts
    inner join intermediate.int_companies__match_keys as companies
        on contacts.core_number = companies.core_number
    union
    select contacts.contact_id, companies.company_id, 2 as precedence
    from intermediate.int_contacts__domains as contacts
    inner join intermediate.int_companies__domains as companies
        on contacts.domain = companies.domain
),
surest as (
    select * from agreements
    qualify precedence = min(precedence) over (partition by contact_id)
)
select contact_id, any_value(company_id) as company_id
from surest
group by contact_id
having count(*) = 1
"""

CANDIDATES = "select contact_id, company_id from intermediate.int_links__scored"
