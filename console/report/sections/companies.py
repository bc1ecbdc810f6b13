"""Members by company, and the deals that are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.published import Published, Row

SHOWN = 20


@dataclass(frozen=True)
class Companies:
    """Companies by the number of their contacts."""

    total: int
    first: list[Row]
    """The first by contacts: `company_id`, `company_name`, `contacts`."""
    rest: int
    """Companies with contacts that are not among the first …"""
    rest_contacts: int
    """… and their contacts."""
    without: int

    @property
    def most(self) -> int:
        """Contacts of the first company."""
        return int(self.first[0]["contacts"]) if self.first else 0


@dataclass(frozen=True)
class Deals:
    """Open deals."""

    total: int
    open: int
    amounts: list[Row]
    """Their amount per currency: `currency`, `amount`, `deals`."""
    stages: list[Row]
    """Per pipeline and stage: `pipeline`, `stage`, `deals`."""


def read(published: Published) -> Companies | None:
    """Read the companies; None where there is no such table."""
    if not published.has("marts.companies"):
        return None
    counts = published.row("""
        select
            count(*) as total,
            count(*) filter (where contact_count > 0) as with_contacts,
            coalesce(sum(contact_count), 0) as contacts
        from marts.companies
    """)
    first = published.rows(f"""
        select company_id, company_name, contact_count as contacts
        from marts.companies where contact_count > 0
        order by contact_count desc, company_name, company_id
        limit {SHOWN}
    """)  # noqa: S608 - a number of ours
    return Companies(
        total=counts["total"],
        first=first,
        rest=counts["with_contacts"] - len(first),
        rest_contacts=int(counts["contacts"]) - sum(row["contacts"] for row in first),
        without=counts["total"] - counts["with_contacts"],
    )


def read_deals(published: Published) -> Deals | None:
    """Read the open deals; None where there is no such table, or no deal at all."""
    if not published.has("marts.deals"):
        return None
    counts = published.row(
        "select count(*) as total, count(*) filter (where is_open) as open from marts.deals"
    )
    if not counts["total"]:
        return None
    amounts = published.rows("""
        select currency, sum(amount) as amount, count(*) as deals
        from marts.deals where is_open and amount is not null
        group by currency order by deals desc, currency
    """)
    stages = published.rows("""
        select
            coalesce(pipeline_label, pipeline_name) as pipeline,
            stage_name as stage,
            count(*) as deals
        from marts.deals where is_open
        group by all
        order by pipeline, min(stage_order) nulls last, stage
        limit 40
    """)
    return Deals(counts["total"], counts["open"], amounts, stages)
