"""How right the links are: by a sample that people judged, by what they decided, else elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.report.interval import exact

if TYPE_CHECKING:
    from console.published import Published, Row

#: Precision of links made without asking, lowest and highest over the registers that the
#: weights of the rule version were measured on, each left out of what it was measured with:
#: docs/linkage.md.
MEASURED = {"12": (0.99, 1.0)}
REGISTERS = 11


QUALITY = "marts.link_quality"
_QUALITY = """
select
    measure, scope, split_part(scope, ': ', 2) as tier, contact_count, expected, drawn_count,
    judged_count, right_count, unsure_count, changed_count, contradicted_count, estimate,
    lower_bound, upper_bound, cautious_lower_bound, margin, more_judgements
from marts.link_quality
where sample_id is not null
order by measure, contact_count desc, scope
"""


@dataclass(frozen=True)
class Quality:
    """What the last sample proves: rows of `link_quality`."""

    auto: Row
    recall_of_links: Row
    recall_of_proposals: Row
    #: The tiers of the links made without asking, and the proposals, where any was judged.
    parts: list[Row]
    drawn: int


@dataclass(frozen=True)
class Accuracy:
    """What is known of how right the links are that were made without asking."""

    judged: int
    """Of these links people decided about so many …"""
    agreed: int
    """… and agreed with so many."""
    low: float
    high: float
    decisions: int
    """All decisions in force, those about proposals among them."""
    unused: int
    """Decisions that have no effect: superseded, or about what is no longer there."""
    measured: tuple[float, float] | None
    """Lowest and highest share of right links on data of others; None for other rules."""
    rule_version: str | None
    quality: Quality | None = field(default=None)
    """What a sample proves; None where none was drawn."""


def read(published: Published) -> Accuracy | None:
    """Read what people decided; None where there are no links."""
    if not published.has("marts.contact_company_links"):
        return None
    version = published.row("select max(rule_version) as v from marts.contact_company_links")["v"]
    decisions = unused = judged = agreed = 0
    if published.has("marts.link_override_report"):
        counts = published.row("""
            select
                count(*) filter (where effect = 'in force') as in_force,
                count(*) filter (where effect <> 'in force') as unused
            from marts.link_override_report
        """)
        decisions, unused = counts["in_force"], counts["unused"]
    if decisions and published.has("intermediate.int_links__decided"):
        # What the rules say before people decide. Ruling out a company other than the link's says
        # nothing of the link.
        counts = published.row("""
            select
                count(*) as judged,
                count(*) filter (
                    where decision = 'force' and overrides.company_id = rules.company_id
                ) as agreed
            from marts.link_override_report as overrides
            inner join intermediate.int_links__decided as rules
                on overrides.contact_id = rules.contact_id
            where
                overrides.effect = 'in force'
                and rules.status = 'auto'
                and (
                    overrides.decision = 'force'
                    or overrides.company_id = rules.company_id
                )
        """)
        judged, agreed = counts["judged"], counts["agreed"]
    low, high = exact(agreed, judged) if judged else (0.0, 1.0)
    return Accuracy(
        judged, agreed, low, high, decisions, unused, MEASURED.get(version), version,
        _quality(published),
    )  # fmt: skip


def _quality(published: Published) -> Quality | None:
    rows = published.rows(_QUALITY) if published.has(QUALITY) else []
    found = {(row["measure"], row["scope"]): row for row in rows}
    auto, proposals = found.get(("precision", "auto")), found.get(("recall", "auto and review"))
    links = found.get(("recall", "auto"))
    if auto is None or links is None or proposals is None:
        return None
    parts = [
        row
        for row in rows
        if row["measure"] == "precision" and row["scope"] != "auto" and row["judged_count"]
    ]
    return Quality(auto, links, proposals, parts, proposals["drawn_count"])
