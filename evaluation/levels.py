"""The seeds that `make fit` writes: levels with their weights, and confidence by tier and lead."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evaluation.building import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SEEDS = PROJECT / "seeds"
PERSON_LEVELS = ("feature", "level", "trend", "place", "prior", "weight", "speaks", "wording")
PERSON_BANDS = ("evidence", "lower_bound", "prior", "confidence")

# Points are tenths of the decimal logarithm of odds: 10 points are ten times the odds.
POINTS = 10 / np.log(10)
# What hardly any set has. A VAT number with its check digits is nobody else's; no register tells
# which persons a CRM gives which company, and none has decisions of people. docs/learning.md gives
# the reasons for the weight of an alias.
FIXED = {
    ("name", "alias"): 30,
    ("name", "alias_of_other"): -12,
    ("vat", "equal"): 35,
    ("vat", "differ"): -15,
    ("person", "primary"): 42,
    ("person", "additional"): 24,
    ("person", "of_other"): -12,
    ("country", "home_differs"): -6,
}


class Level(NamedTuple):
    """A row of the seed link_levels."""

    feature: str
    level: str
    trend: str
    place: int
    weight: int
    speaks: str
    wording: str


def read_levels(path: Path, weight: str = "weight") -> list[Level]:
    """Return the rows of the seed link_levels or person_levels, with the weight of a column."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Level(
                row["feature"], row["level"], row["trend"], int(row["place"]), int(row[weight]),
                row["speaks"], row["wording"],
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip


def read_bands(
    path: Path, tier: str = "tier", confidence: str = "confidence"
) -> list[tuple[str, int, float]]:
    """Return the rows of the seed link_bands or person_bands, by the columns they have."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            (row[tier], int(row["lower_bound"]), float(row[confidence]))
            for row in csv.DictReader(file)
        ]


def write_seed(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a seed as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def level_places(values: NDArray[Any], feature: str, levels: Sequence[Level]) -> NDArray[np.int64]:
    """Return the place of each level of a feature, -1 where there is none."""
    places = {level.level: level.place for level in levels if level.feature == feature}
    texts = np.ma.filled(np.ma.asarray(values, dtype=object), "").astype(str)
    found, inverse = np.unique(texts, return_inverse=True)
    known = [places.get(text, -1) for text in found]
    result: NDArray[np.int64] = np.array(known, dtype=np.int64)[inverse]
    return result


def is_fitted(level: Level) -> bool:
    """Return whether a weight of its own is fitted to a level."""
    return level.feature != "pair" and (level.feature, level.level) not in FIXED


def any_pair(levels: Sequence[Level]) -> Level:
    """Return what any pair begins with."""
    (found,) = (level for level in levels if (level.feature, level.level) == ("pair", "any"))
    return found
