"""Draws a sample: by lot within each stratum, the same for the same seed and the same links.

Each contact has a lot that its id and the seed give it, whatever else there is. The first contacts
by their lots are a simple sample of all, and the first of any part of them a simple sample of that
part. So a larger sample holds the smaller one, and after new rules most contacts come again.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from console.audit.sample import Drawn
from console.report.interval import exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from console.published import Published

MARGIN = 0.03
"""Half the width of the interval of `auto`: 140 to 270 contacts on the sets that were tried."""

#: Of each link made without asking, so many proposals and so many contacts without a company.
SHARES = {"auto": 1.0, "review": 1 / 2, "none": 1 / 2}
LEAST = 3
"""So many contacts are drawn of each tier and stratum, where it has them."""

CONFIDENCES = (0.99, 0.97, 0.9, 0.7)

#: Strata of contacts without a company, by how their reasons begin, and how often one of them is
#: supposed to have a company that was missed: where that is more likely, more are drawn.
WITHOUT_COMPANY = (
    ("nothing to link by", 0.01),
    ("no company shares a key", 0.04),
    ("", 0.2),
)
OTHERWISE = "too little agrees"

_LINKS = """
select contact_id, company_id, status, tier, cast(confidence as double) as confidence,
    coalesce(reasons, '') as reasons, rule_version
from intermediate.int_links__decided
where contact_id is not null
"""


@dataclass(frozen=True)
class Plan:
    """What is asked for: the same plan draws the same contacts of the same links."""

    seed: int = 1
    #: Half the width that the interval of `auto` should have.
    margin: float = MARGIN
    #: About how many contacts, instead of so many as the margin needs.
    judgements: int | None = None


@dataclass(frozen=True)
class Link:
    """What the rules say of a contact."""

    contact_id: str
    company_id: str | None
    status: str
    tier: str | None
    confidence: float | None
    reasons: str
    rule_version: str

    @property
    def stratum(self) -> str:
        """Status, tier and confidence; of a contact without a company, why it has none."""
        if self.status == "none":
            return f"none: {self._lack()[0] or OTHERWISE}"
        confidence = self.confidence or 0.0
        least = next((each for each in CONFIDENCES if confidence >= each), 0.0)
        return f"{self.status}: {self.tier}: from {least:g}"

    @property
    def spread(self) -> float:
        """How much one contact like this may differ from another: the more, the more are drawn."""
        missed = self._lack()[1]
        return math.sqrt(missed * (1 - missed))

    def _lack(self) -> tuple[str, float]:
        return next(each for each in WITHOUT_COMPANY if self.reasons.startswith(each[0]))


def links(published: Published) -> list[Link]:
    """Return what the rules say of each contact, before people's decisions."""
    return [Link(**row) for row in published.rows(_LINKS)]


def judgements_for(share: float, margin: float) -> int:
    """Return how many judgements bring the exact interval of a share to twice a margin."""
    number = 1
    while not _is_narrow(share, margin, number):
        number *= 2
    low, high = number // 2, number
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_narrow(share, margin, middle) else (middle, high)
    return high


def _is_narrow(share: float, margin: float, number: int) -> bool:
    low, high = exact(round(share * number), number)
    return (high - low) / 2 <= margin


def sizes(every: Iterable[Link], plan: Plan) -> dict[str, int]:
    """Return how many to draw of each status."""
    if plan.judgements is not None:
        return {
            status: round(plan.judgements * share / sum(SHARES.values()))
            for status, share in SHARES.items()
        }
    sure = [each.confidence or 0.0 for each in every if each.status == "auto"]
    of_auto = judgements_for(sum(sure) / len(sure), plan.margin) if sure else round(1 / plan.margin)
    return {status: math.ceil(of_auto * share) for status, share in SHARES.items()}


def draw(every: Sequence[Link], plan: Plan, id_: str, moment: datetime) -> list[Drawn]:
    """Return a sample, in the order of judging.

    Args:
        every: All links; their order does not count.
        plan: How many, and by which lots.
        id_: Of the sample.
        moment: When it is drawn.
    """
    drawing = _Drawing(every, plan.seed)
    of_status = drawing.by(lambda link: link.status)
    of_tier = drawing.by(lambda link: f"{link.status}: {link.tier}")
    of_stratum = drawing.by(lambda link: link.stratum)
    for status, size in sizes(every, plan).items():
        if status == "none":
            drawing.take_strata(of_stratum, size)
        else:
            drawing.take(of_status.get(status, []), size, "status")
    for tier in of_tier.values():
        if tier[0].status != "none":
            drawing.take(tier, LEAST, "tier")
    for stratum in of_stratum.values():
        drawing.take(stratum, LEAST, "stratum")
    return [
        Drawn(
            id=id_,
            contact_id=link.contact_id,
            stratum=link.stratum,
            stratum_size=len(of_stratum[link.stratum]),
            status=link.status,
            status_size=len(of_status[link.status]),
            drawn_for=drawing.drawn_for[link.contact_id],
            position=position,
            company_id=link.company_id,
            tier=link.tier,
            confidence=link.confidence,
            rule_version=link.rule_version,
            seed=plan.seed,
            margin=plan.margin,
            drawn_at=moment,
        )
        for position, link in enumerate(drawing.in_order(), start=1)
    ]


class _Drawing:
    """What has been drawn so far, and when each of it is judged: from 0, the first, to 1."""

    def __init__(self, every: Iterable[Link], seed: int) -> None:
        lots = {each.contact_id: _lot(seed, each.contact_id) for each in every}
        self._links = sorted(every, key=lambda link: lots[link.contact_id])
        self._lots = lots
        self._places: dict[str, float] = {}
        self.drawn_for: dict[str, Literal["status", "tier", "stratum"]] = {}

    def by(self, part: Callable[[Link], str]) -> dict[str, list[Link]]:
        """Return the links of each part, by their lots."""
        parts: dict[str, list[Link]] = defaultdict(list)
        for link in self._links:
            parts[part(link)].append(link)
        return parts

    def take(
        self, part: Sequence[Link], size: int, drawn_for: Literal["status", "tier", "stratum"]
    ) -> None:
        """Draw the first of a part that have not been drawn."""
        for place, link in enumerate(part[:size]):
            if link.contact_id not in self.drawn_for:
                self.drawn_for[link.contact_id] = drawn_for
                # Within its part the order is that of the lots; among others, by chance.
                chance = int.from_bytes(self._lots[link.contact_id][-8:], "big") / 2**64
                self._places[link.contact_id] = (place + chance) / min(size, len(part))

    def take_strata(self, strata: dict[str, list[Link]], size: int) -> None:
        """Draw from the strata of contacts without a company, more where they differ more."""
        worth = {
            name: len(links) * links[0].spread
            for name, links in strata.items()
            if links[0].status == "none"
        }
        for name, share in worth.items():
            part = max(round(size * share / sum(worth.values())), LEAST)
            self.take(strata[name], part, "stratum")

    def in_order(self) -> list[Link]:
        """Return what was drawn, so that whoever stops early has judged a part of each stratum."""
        drawn = [link for link in self._links if link.contact_id in self.drawn_for]
        return sorted(drawn, key=lambda link: self._places[link.contact_id])


def _lot(seed: int, contact_id: str) -> bytes:
    return sha256(f"{seed}\n{contact_id}".encode()).digest()
