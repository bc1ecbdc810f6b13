"""Several sets of data with their truths: where they are, and one table of what they reach."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evaluation.inputs import InputError
from evaluation.misses import KINDS
from tools.demo.report import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evaluation.floor import Result
    from evaluation.misses import Kind
    from evaluation.scores import Candidates, Score

HEADER = [
    "set", "F1", "precision", "recall", "auto P", "auto R",
    "blocking recall", "candidates a contact", "best peer's F1", "best peer",
]  # fmt: skip
DATABASE, TRUTH = ".duckdb", ".truth.csv"


class Set(NamedTuple):
    """A DuckDB file with raw tables, and the truth of its links."""

    name: str
    database: Path
    truth: Path


class Measured(NamedTuple):
    """What a set reaches, beside the peers' links of the same data."""

    name: str
    result: Result
    candidates: Candidates
    peers: dict[str, Score]
    missed: list[Kind]


def parsed(text: str) -> list[Set]:
    """Read the sets' names, between spaces: folders, or files without or with their ending.

    Raises:
        InputError: there is no such set, or its truth is missing.
    """
    try:
        names = shlex.split(text)
    except ValueError as error:
        msg = f"SETS={text} cannot be read: {error}"
        raise InputError(msg) from error
    found = [one for name in names for one in _found(name)]
    if not found:
        msg = "SETS is empty: name folders with NAME.duckdb and NAME.truth.csv, or such pairs"
        raise InputError(msg)
    return list({one.database.resolve(): one for one in found}.values())


def _found(name: str) -> Iterator[Set]:
    path = Path(name)
    if path.is_dir():
        databases = sorted(path.glob(f"*{DATABASE}"))
        if not databases:
            msg = f"SETS: the folder {path} has no NAME{DATABASE}"
            raise InputError(msg)
    else:
        databases = [path if path.suffix == DATABASE else path.with_name(path.name + DATABASE)]
    for database in databases:
        truths = [database.with_name(database.stem + TRUTH)]
        if len(databases) == 1:
            truths.append(database.with_name(TRUTH[1:]))
        one = Set(database.stem, database, next(filter(Path.is_file, truths), truths[0]))
        for file in (one.database, one.truth):
            if not file.is_file():
                msg = f"SETS: {name} is no set: there is no file {file}"
                raise InputError(msg)
        yield one


def summary(measured: Sequence[Measured]) -> str:
    """Return a table with a row per set."""
    return table(HEADER, [_row(one) for one in measured])


def kinds_of_miss(measured: Sequence[Measured]) -> str:
    """Return a table of how many true links each set misses, by kind."""
    counts = [{kind.name: kind.links for kind in one.missed} for one in measured]
    rows = [
        (name, *(found.get(name, 0) for found in counts))
        for name in KINDS
        if any(name in found for found in counts)
    ]
    return table(["true links not found", *(one.name for one in measured)], rows)


def _row(one: Measured) -> Sequence[object]:
    peer = max(one.peers, key=lambda name: one.peers[name].f1)
    figures = (f"{value:.4f}" for value in one.result)
    return (
        one.name, *figures, f"{one.candidates.mean:.1f}", f"{one.peers[peer].f1:.4f}", peer
    )  # fmt: skip
