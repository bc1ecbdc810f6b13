"""How right the links are: by what people decided, else by what was measured on data of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.report.interval import exact

if TYPE_CHECKING:
    from console.published import Published

#: Precision of links made without asking, lowest and highest over the nine registers that the
#: weights of rule version 8 were measured on, each left out of what it was measured with:
#: docs/linkage.md.
MEASURED = {"8": (0.982, 0.999)}
REGISTERS = 9


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
    return Accuracy(judged, agreed, low, high, decisions, unused, MEASURED.get(version), version)
