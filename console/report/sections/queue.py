"""What waits for a decision, the most useful first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.published import Published, Row


_NEEDED = (
    "marts.link_review_queue", "marts.contact_company_links", "marts.contacts", "marts.companies",
)  # fmt: skip


@dataclass(frozen=True)
class Waiting:
    """One proposal, with both sides."""

    row: Row
    """Of `marts.link_review_queue`, and of both sides."""
    agrees: list[str]
    differs: list[str]
    also: list[str]
    """What is neither, such as how far the next company is behind, and what makes it unsafe."""


@dataclass(frozen=True)
class Queue:
    """The first of those that wait, and how many there are."""

    total: int
    first: list[Waiting]
    rest: int
    """Contacts that neither are shown nor name the organisation of one that is."""


def read(published: Published, length: int) -> Queue | None:
    """Read the first of the queue; None where there is no such table."""
    if not published.has(*_NEEDED):
        return None
    total = published.row("select count(*) as n from marts.link_review_queue")["n"]
    speaks = _speaks(published)
    rows = published.rows(
        """
        with named as (
            select
                queue.*,
                coalesce(
                    nullif(lower(trim(queue.organisation)), ''),
                    case when queue.similar_contact_count > 1 then links.tier end,
                    queue.contact_id
                ) as one_question
            from marts.link_review_queue as queue
            left join marts.contact_company_links as links on queue.contact_id = links.contact_id
        ),

        -- Contacts that name one organisation are one question, and so are those that name none
        -- and for whom the same speaks, as on the review page.
        counted as (
            select
                *,
                row_number() over (
                    partition by company_id, one_question order by review_rank
                ) as place,
                count(*) over (partition by company_id, one_question) as contact_count
            from named
        ),

        queue as (
            select * from counted where place = 1 order by review_rank limit $1
        )

        select
            queue.*,
            contacts.phone as contact_phone,
            contacts.mobile as contact_mobile,
            contacts.street as contact_street,
            contacts.postal_code as contact_postal_code,
            contacts.website as contact_website,
            companies.email as company_email,
            companies.business_phone as company_phone,
            companies.mobile_phone as company_mobile,
            companies.street as company_street,
            companies.postal_code as company_postal_code,
            cast(companies.domains as varchar) as company_domains
        from queue
        left join marts.contacts as contacts on queue.contact_id = contacts.contact_id
        left join marts.companies as companies on queue.company_id = companies.company_id
        order by queue.review_rank
        """,
        [length],
    )
    return Queue(
        total=total,
        first=[_waiting(row, speaks) for row in rows],
        rest=total - sum(row["contact_count"] for row in rows),
    )


def _waiting(row: Row, speaks: dict[str, str]) -> Waiting:
    reasons = [each for each in (row["reasons"] or "").split("; ") if each]
    return Waiting(
        row,
        agrees=[each for each in reasons if speaks.get(each) in {"for", "in part"}],
        differs=[each for each in reasons if speaks.get(each) == "against"],
        also=[each for each in reasons if each not in speaks],
    )


def _speaks(published: Published) -> dict[str, str]:
    """Return what words of the reasons say of a link.

    The sign of a weight does not tell: weights of features that go together are fitted together.
    """
    if not published.has("seeds.link_levels"):
        return {}
    rows = published.rows("""
        select distinct wording, speaks
        from seeds.link_levels where wording <> '' and speaks <> ''
    """)
    return {row["wording"]: row["speaks"] for row in rows}
