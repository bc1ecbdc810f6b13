"""Where the pictures' rectangles go: pictures are made when the page is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.report.sections.changes import Point
    from console.report.sections.coverage import Links

WIDTH = 1000
HEIGHT = 200
_GAP = 4


def width(value: float, most: float) -> int:
    """Return how wide the bar of a value is; what is there is seen."""
    if value <= 0 or most <= 0:
        return 0
    return max(_GAP, round(WIDTH * value / most))


def parts(links: Links) -> list[tuple[str, int, int]]:
    """Return the parts of all contacts beside each other: kind, where it begins, how wide it is."""
    there = {kind: contacts for kind, contacts in links.counts.items() if contacts}
    wide = {kind: width(contacts, links.contacts) for kind, contacts in there.items()}
    # The least that is seen of small parts is taken from the largest.
    largest = max(wide, key=lambda kind: wide[kind])
    wide[largest] -= sum(wide.values()) - WIDTH
    begins, found = 0, []
    for kind, whole in wide.items():
        found.append((kind, begins, max(whole - _GAP, 1)))
        begins += whole
    return found


@dataclass(frozen=True)
class Column:
    """A column of the picture over time: contacts with a company, above them those in review."""

    x: int
    width: int
    linked: int
    linked_y: int
    waiting: int
    waiting_y: int


def upright(points: Sequence[Point]) -> list[Column]:
    """Return a column per point."""
    most = max((point.linked + point.to_decide for point in points), default=0) or 1
    step = WIDTH // max(len(points), 1)
    columns = []
    for place, point in enumerate(points):
        linked = round(HEIGHT * point.linked / most)
        waiting = round(HEIGHT * point.to_decide / most)
        columns.append(
            Column(
                x=place * step,
                width=step - 2 * _GAP,
                linked=linked,
                linked_y=HEIGHT - linked,
                waiting=waiting,
                waiting_y=HEIGHT - linked - waiting,
            )
        )
    return columns
