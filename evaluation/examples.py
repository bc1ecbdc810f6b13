"""One example of each tier, as docs/linkage.md shows them.

Usage: python -m evaluation.examples FILE, a DuckDB file that `make evaluate KEEP=FILE` kept. The
example of a tier is the one with the fewest points among its decided links, so that the doubtful
ones are seen.
"""

from __future__ import annotations

import sys

import duckdb

EXAMPLES = """
with examples as (
    select *, row_number() over (
        partition by tier order by status = 'review', score, contact_id
    ) as place
    from marts.contact_company_links
    where status in ('auto', 'review')
)
select
    examples.tier, examples.status, examples.score, examples.confidence,
    concat_ws(', ', contacts.organisation_name, contacts.email, contacts.vat_number,
        concat_ws(' ', contacts.house_number, contacts.street_name), contacts.city) as contact,
    concat_ws(', ', companies.company_name, domains.domains, companies.vat_number,
        concat_ws(' ', companies.house_number, companies.street_name), companies.city) as company,
    examples.reasons,
    count(*) over (partition by examples.tier) as links
from examples
inner join intermediate.int_contacts__match_keys as contacts using (contact_id)
inner join intermediate.int_companies__match_keys as companies
    on companies.company_id = examples.company_id
left join (
    select company_id, string_agg(domain, ', ' order by domain) as domains
    from intermediate.int_companies__domains group by company_id
) as domains on domains.company_id = examples.company_id
qualify place = 1
order by examples.confidence desc, examples.score desc, examples.tier
"""


def main() -> int:
    """Print a table in Markdown."""
    (path,) = sys.argv[1:]
    with duckdb.connect(path, read_only=True) as connection:
        rows = connection.execute(EXAMPLES).fetchall()
    print("| tier | contact | company | why | score |")
    print("|---|---|---|---|---|")
    for tier, status, score, confidence, contact, company, reasons, _ in rows:
        print(f"| `{tier}` | {contact} | {company} | {reasons} | {score}: {status}, {confidence} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
