"""Pairs that may be one: contacts of Kananas, people of Kizen, companies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.published import Published, Row

TABLE = "marts.possible_duplicates"
SHOWN = 5


@dataclass(frozen=True)
class Duplicates:
    """Pairs by kind: how many, and the first of each."""

    counts: dict[str, int]
    first: dict[str, list[Row]]

    @property
    def total(self) -> int:
        """All pairs."""
        return sum(self.counts.values())


def read(published: Published) -> Duplicates | None:
    """Read the pairs, the surest first; None where there is no such table."""
    if not published.has(TABLE):
        return None
    counts = published.rows(
        f"select kind, count(*) as pairs from {TABLE} group by kind order by kind"  # noqa: S608
    )
    rows = published.rows(f"""
        select * from {TABLE}
        qualify row_number() over (
            partition by kind order by confidence desc nulls last, left_id, right_id
        ) <= {SHOWN}
        order by kind, confidence desc nulls last, left_id, right_id
    """)  # noqa: S608 - names and numbers of ours
    first: dict[str, list[Row]] = {}
    for row in rows:
        reasons = row["reasons"] or []
        listed = reasons.split("; ") if isinstance(reasons, str) else reasons
        first.setdefault(row["kind"], []).append({**row, "reasons": listed})
    return Duplicates({row["kind"]: row["pairs"] for row in counts}, first)
