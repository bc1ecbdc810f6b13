"""Fit the weights and the confidence of links to sets whose truth is known: `make fit`.

Each folder of SETS is a register: it holds sets, NAME.duckdb with NAME.truth.csv, as
`make evaluate` takes them, or `make evaluate-people` for links of persons (`--people`). Each set is
looked at twice: as it is, and with one company or person in seven, so that hardly any contact has
one. All registers count alike. A conditional logit model is fitted: of a contact's candidates and
"none of them", each is as likely as ten to the power of a tenth of its score (Train, Discrete
Choice Methods with Simulation, chapter 3). Weights are shrunk towards nothing, those of persons
towards what was set by hand; they never fall where a level agrees more (the seed's column `trend`),
and are rounded to whole points.

Writes the seeds link_levels and link_bands, or person_levels and person_bands, the same bytes for
the same sets. Prints what links reach on each register with that register left out of the fit, of
persons on each set with that set left out, and with all in it.

Exit code 0: done; 1: dbt failed; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.sparse import csc_matrix, csr_matrix
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from scipy.special import bdtrc

from evaluation import sets
from evaluation.building import LINKS, PROJECT, build_links, database, dbt
from evaluation.command import DONE, run_in_folder
from evaluation.inputs import TRUTH_PEOPLE_COLUMNS, InputError, copy_raw_tables, load_truth
from target_duckdb.names import quote
from tools.demo.report import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

SEEDS = PROJECT / "seeds"

# Points are tenths of the decimal logarithm of odds: 10 points are ten times the odds.
POINTS = 10 / np.log(10)
# How strongly weights are drawn to nothing, in the loss of a register, per squared natural
# logarithm.
RIDGE = 5e-5
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
# Companies and persons whose id's MD5 is below this are kept where few are: one in seven. A set of
# which fewer contacts than SPARSE have one has few as it is.
KEPT, SPARSE, FEW = "24", 0.25, ", few persons"
# The bounds of bands, in points of lead, and how many links the odds themselves count for in a
# band.
BOUNDS = (-100, -6, -3, 0, 3, 6, 8, 10, 12, 14, 16, 18, 20, 25, 30)
PRIOR_LINKS = 3
# Bands as sure as AUTO make links that are used unseen: on each register so many of them have to be
# right, whether it was in the fit or not. It is not taken for less where chance makes as many wrong
# links once in five times.
AUTO, AUTO_PRECISION = 0.97, 0.99
# As the variables `review_confidence` and `link_margin` of the dbt project have them.
REVIEW, MARGIN = 0.4, 3
# As int_persons__ranked has them: the least score of a rival, and how far it is behind at least.
LEAST_SCORE, LEAST_RIVALRY = -40, 5
UNLIKELY = 0.2


class Level(NamedTuple):
    """A row of the seed link_levels."""

    feature: str
    level: str
    trend: str
    place: int
    weight: int
    speaks: str
    wording: str


class Persons(NamedTuple):
    """The number of each pair's person, and whether a contact that agrees better rules it out.

    A company has many contacts, a person is one: contacts are rivals for it.
    """

    numbers: NDArray[np.int64]
    have_to_lead: NDArray[np.bool_]


class Pairs(NamedTuple):
    """The pairs of one set, those of a contact side by side, in the order of the contacts.

    `levels` has the place of each pair's level in its feature, -1 where there is none; `starts` the
    first pair of each contact, `groups` the number of each pair's contact; `truths` is how many
    links the set has in all, found or not. A contact without a right pair belongs to none of them,
    or, where some are `open`, to one of those or to none.
    """

    register: str
    name: str
    levels: dict[str, NDArray[np.int64]]
    right: NDArray[np.bool_]
    tiers: NDArray[Any]
    cautions: NDArray[np.bool_]
    starts: NDArray[np.int64]
    groups: NDArray[np.int64]
    truths: int
    open: NDArray[np.bool_] | None = None
    persons: Persons | None = None


class Design(NamedTuple):
    """What each weight adds to: a column per step of a level, and which may not be negative."""

    columns: list[tuple[str, set[str]]]
    bounds: list[tuple[float | None, float | None]]


class Shrinkage(NamedTuple):
    """What weights are drawn towards, as they are returned, and how strongly.

    By default towards nothing, but for what each pair begins with.
    """

    towards: NDArray[np.float64] | None = None
    ridge: float = RIDGE


TO_NOTHING = Shrinkage()


class Search(NamedTuple):
    """Where the search for weights begins, as they are returned, and how long it may last."""

    start: NDArray[np.float64] | None = None
    iterations: int = 1500


WHOLE_SEARCH = Search()


class Best(NamedTuple):
    """The best candidate of each contact: whether it is right, and its lead in points.

    `margins` is how far each person's score is above that of the best rival.
    """

    pairs: NDArray[np.int64]
    right: NDArray[np.bool_]
    leads: NDArray[np.int64]
    margins: NDArray[np.int64] | None = None


# Weights and bands of persons are drawn to those set by hand, which families and clubs are in that
# no set has: the weights as RIDGE draws others to nothing, the bands as so many links would.
PERSON_RIDGE, PERSON_PRIOR_LINKS = 3e-3, 100
PERSON_LEVELS = ("feature", "level", "trend", "place", "prior", "weight", "speaks", "wording")
PERSON_BANDS = ("evidence", "lower_bound", "prior", "confidence")


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


def keep_few(warehouse: Path, names: Sequence[str]) -> None:
    """Delete six in seven rows of tables of a copy of raw tables, the same ones each time."""
    with duckdb.connect(warehouse) as connection:
        tables = connection.execute(
            "select table_name, min(column_name) from information_schema.columns"
            " where table_schema = 'kizen' and list_contains(?, lower(table_name))"
            " and lower(column_name) in ('id', 'company_id', 'client_id') group by table_name",
            [names],
        ).fetchall()
        for name, column in tables:
            connection.execute(
                f"delete from kizen.{quote(name)}"
                f" where left(md5(cast({quote(column)} as varchar)), 2) >= '{KEPT}'"
            )


def compare(
    given: sets.Set,
    register: str,
    levels: Sequence[Level],
    folder: Path,
    *,
    of_few: bool = False,
) -> Pairs:
    """Build the links of a set, and return the levels of all of its pairs.

    Args:
        given: the set.
        register: the register it is of.
        levels: the levels.
        folder: where to build.
        of_few: whether to leave out six in seven companies.

    Raises:
        InputError: the set cannot be read.
        ProgramError: dbt failed.
    """
    warehouse = _built(given, folder, ["companies", "companies_company"] if of_few else [])
    _take_every_pair(warehouse, folder, "int_links", "true")
    features = sorted({level.feature for level in levels} - {"pair"})
    with duckdb.connect(warehouse, read_only=True) as connection:
        load_truth(connection, given.truth)
        if of_few:
            connection.execute(
                "delete from truth where company_id not in"
                " (select company_id from intermediate.int_companies__match_keys)"
            )
        described = connection.execute("describe intermediate.int_links__name_levels").fetchall()
        of_names = {name for name, *_ in described}
        columns = ", ".join(
            f"{'names' if f'{feature}_level' in of_names and feature != 'name' else 'pairs'}"
            f".{feature}_level"
            for feature in features
        )
        rows = connection.execute(
            "select pairs.contact_number, truth.contact_id is not null as is_right,"
            f" pairs.tier as evidence, pairs.caution is not null as has_caution, {columns}"
            " from intermediate.int_links__tiers as pairs"
            " left join intermediate.int_links__name_levels as names"
            " using (contact_core, company_core)"
            " left join truth on pairs.contact_id = truth.contact_id"
            " and pairs.company_id = truth.company_id"
            " order by pairs.contact_number, pairs.company_number"
        ).fetchnumpy()
        (truths,) = connection.execute("select count(*) from truth").fetchone() or (0,)
    name = f"{given.name}, few companies" if of_few else given.name
    return _pairs_of(rows, register, name, levels, truths)


def compare_persons(
    given: sets.Set,
    register: str,
    levels: Sequence[Level],
    folder: Path,
    *,
    of_few: bool = False,
) -> Pairs:
    """Build the links of persons of a set, and return the levels of all pairs that may be one.

    Which pairs may be one, rules and patterns say by the weights of the seed. A contact who is in
    the CRM twice has one right pair, that of the higher score.

    Args and errors: as `compare`.
    """
    few = ["clients", "client_client"] if of_few else []
    warehouse = _built(given, folder, few, ["+int_persons__tiers"])
    _take_every_pair(warehouse, folder, "int_persons", "not is_duplicate")
    features = sorted({level.feature for level in levels} - {"pair"})
    with duckdb.connect(warehouse, read_only=True) as connection:
        load_truth(connection, given.truth, TRUTH_PEOPLE_COLUMNS, "TRUTH_PEOPLE")
        connection.execute(
            "delete from truth where kizen_contact_id not in"
            " (select kizen_contact_id from staging.stg_kizen__contacts)"
        )
        columns = ", ".join(f"pairs.{feature}_level" for feature in features)
        rows = connection.execute(
            f"select contact_number, kizen_number, truth.contact_id is not null as is_right,"
            " evidence, caution is not null as has_caution,"
            " is_shared or coalesce(first_name_level, '') in ('near', 'differs') as has_to_lead,"
            f" {columns} from intermediate.int_persons__tiers as pairs"
            " left join truth using (contact_id, kizen_contact_id)"
            " qualify truth.contact_id is null or row_number() over ("
            "partition by contact_number, truth.contact_id is null"
            " order by score desc, kizen_number) = 1"
            " order by contact_number, kizen_number"
        ).fetchnumpy()
        (truths,) = connection.execute(
            "select count(distinct contact_id) from truth"
        ).fetchone() or (0,)
    persons = Persons(np.asarray(rows["kizen_number"]), np.asarray(rows["has_to_lead"], dtype=bool))
    name = f"{given.name}{FEW}" if of_few else given.name
    return _pairs_of(rows, register, name, levels, truths)._replace(persons=persons)


def _built(
    given: sets.Set, folder: Path, few: Sequence[str], selection: Sequence[str] = LINKS
) -> Path:
    """Build the links over a copy of a set, of which six in seven rows of some tables are left out.

    Returns:
        The path of the DuckDB file.
    """
    warehouse = folder / "warehouse.duckdb"
    warehouse.unlink(missing_ok=True)
    copy_raw_tables(given.database, warehouse)
    if few:
        keep_few(warehouse, few)
    build_links(warehouse, folder, {}, selection)
    return warehouse


def _take_every_pair(warehouse: Path, folder: Path, models: str, condition: str) -> None:
    """Ask what a link rests on of every pair that meets a condition, not of the best one alone."""
    with duckdb.connect(warehouse) as connection:
        connection.execute(
            f"create or replace table intermediate.{models}__ranked as"
            f" from intermediate.{models}__scored where {condition}"
        )
    environment = database(warehouse, folder)
    dbt(["run", "--select", f"{models}__tiers"], folder, environment=environment)


def _pairs_of(
    rows: Mapping[str, NDArray[Any]],
    register: str,
    name: str,
    levels: Sequence[Level],
    truths: int,
) -> Pairs:
    """Return the pairs of a set from the columns of a query, in the order of their contacts."""
    _, starts, groups = np.unique(
        np.asarray(rows["contact_number"]), return_index=True, return_inverse=True
    )
    return Pairs(
        register,
        name,
        {
            feature: level_places(rows[f"{feature}_level"], feature, levels)
            for feature in sorted({level.feature for level in levels} - {"pair"})
        },
        np.asarray(rows["is_right"], dtype=bool),
        np.ma.filled(rows["evidence"], "").astype(str),
        np.asarray(rows["has_caution"], dtype=bool),
        starts,
        groups,
        truths,
    )


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


def steps_of(levels: Sequence[Level], design: Design) -> NDArray[np.float64]:
    """Return the weights of levels as `fitted` returns them."""
    fitted_levels = [level for level in levels if is_fitted(level)]
    steps = np.array(
        [
            [
                float(level.feature == feature and level.level in names)
                for feature, names in design.columns
            ]
            for level in fitted_levels
        ]
    )
    values = np.linalg.solve(steps, [level.weight for level in fitted_levels])
    result: NDArray[np.float64] = np.concatenate([[any_pair(levels).weight], values]) / POINTS
    return result


def any_pair(levels: Sequence[Level]) -> Level:
    """Return what any pair begins with."""
    (found,) = (level for level in levels if (level.feature, level.level) == ("pair", "any"))
    return found


def designed(levels: Sequence[Level]) -> Design:
    """Return the steps that are fitted: a level's weight is the sum of those that it is in."""
    columns: list[tuple[str, set[str]]] = []
    bounds: list[tuple[float | None, float | None]] = []
    by_feature: dict[str, list[Level]] = {}
    for level in levels:
        if is_fitted(level):
            by_feature.setdefault(level.feature, []).append(level)
    for feature, found in by_feature.items():
        ordered = sorted(found, key=lambda level: level.place, reverse=found[0].trend == "falling")
        for number, level in enumerate(ordered):
            together = ordered[number:] if level.trend else [level]
            columns.append((feature, {one.level for one in together}))
            bounds.append((0.0, None) if level.trend and number else (None, None))
    return Design(columns, bounds)


def matrix(pairs: Pairs, levels: Sequence[Level], design: Design) -> LinearOperator:
    """Return a row per pair, and a column per step: 1 where the pair's level is in it.

    A level is in many steps, a pair has one level per feature: two thin matrices, of the pairs'
    levels and of the levels' steps, are multiplied with in a quarter of the time of their product.
    """
    fitted_levels = [level for level in levels if is_fitted(level)]
    of_pairs = csc_matrix(
        np.column_stack([pairs.levels[level.feature] == level.place for level in fitted_levels]),
        dtype=np.float64,
    ).tocsr()
    of_levels = csr_matrix(
        [
            [level.feature == feature and level.level in names for feature, names in design.columns]
            for level in fitted_levels
        ],
        dtype=np.float64,
    )
    return aslinearoperator(of_pairs) @ aslinearoperator(of_levels)


def fixed_part(pairs: Pairs, levels: Sequence[Level]) -> NDArray[np.float64]:
    """Return what the weights that are not fitted add to each pair, in natural logarithms."""
    total = np.zeros(len(pairs.right))
    for level in levels:
        points = FIXED.get((level.feature, level.level), 0)
        if points:
            total += points / POINTS * (pairs.levels[level.feature] == level.place)
    return total


def fitted(  # noqa: PLR0913 - each of them is a part of the model
    every: Sequence[Pairs],
    matrices: Sequence[LinearOperator],
    levels: Sequence[Level],
    design: Design,
    shrinkage: Shrinkage = TO_NOTHING,
    *,
    search: Search = WHOLE_SEARCH,
) -> NDArray[np.float64]:
    """Return the weight that each pair begins with, and one per step, in natural logarithms.

    Args:
        every: the sets.
        matrices: the steps of their pairs.
        levels: the levels.
        design: the steps.
        shrinkage: how strongly weights are drawn towards what.
        search: where the search begins, by default at what weights are drawn towards.
    """
    towards, ridge = shrinkage
    free = 1 if towards is None else 0
    middle = np.zeros(len(design.columns) + 1) if towards is None else towards
    registers = [pairs.register for pairs in every]
    parts = [
        (
            steps, fixed_part(pairs, levels), pairs,
            1 / (registers.count(pairs.register) * len(pairs.starts)),
        )
        for pairs, steps in zip(every, matrices, strict=True)
    ]  # fmt: skip

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        away = (values - middle)[free:]
        total = ridge * float(away @ away)
        gradient = 2 * ridge * np.concatenate([np.zeros(free), away])
        for steps, fixed, pairs, share in parts:
            utilities = values[0] + steps @ values[1:] + fixed
            chances, norms = pair_chances(utilities, pairs)
            total -= share * float(utilities[pairs.right].sum() - norms.sum())
            surplus = chances - pairs.right
            if pairs.open is not None:
                likely, left = pair_chances(np.where(pairs.open, utilities, -np.inf), pairs)
                total -= share * float(left.sum())
                surplus -= likely
            gradient[0] += share * float(surplus.sum())
            gradient[1:] += share * (steps.T @ surplus)
        return total, gradient

    found = minimize(
        loss, middle if search.start is None else search.start, jac=True, method="L-BFGS-B",
        bounds=[(None, None), *design.bounds],
        options={
            "maxiter": search.iterations, "maxfun": search.iterations * 4 // 3, "maxcor": 40,
        },
    )  # fmt: skip
    result: NDArray[np.float64] = found.x
    return result


def pair_chances(
    utilities: NDArray[np.float64], pairs: Pairs
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the chance of each pair, beside "none" at a utility of 0, and each contact's norm."""
    highest = np.maximum(np.maximum.reduceat(utilities, pairs.starts), 0.0)
    odds = np.exp(utilities - highest[pairs.groups])
    sums = np.add.reduceat(odds, pairs.starts) + np.exp(-highest)
    return odds / sums[pairs.groups], np.log(sums) + highest


def points(values: NDArray[np.float64], levels: Sequence[Level], design: Design) -> list[Level]:
    """Return the levels with weights in whole points."""
    weights = dict.fromkeys(((level.feature, level.level) for level in levels), 0.0)
    for (feature, names), value in zip(design.columns, values[1:], strict=True):
        for name in names:
            weights[feature, name] += value * POINTS
    # What pairs of another kind begin with stays as far from what any pair begins with.
    started = any_pair(levels).weight
    weights |= {
        (level.feature, level.level): values[0] * POINTS + level.weight - started
        for level in levels
        if level.feature == "pair"
    }
    return [
        level._replace(
            weight=FIXED.get(
                (level.feature, level.level), round(weights[level.feature, level.level])
            )
        )
        for level in levels
    ]


def balanced(every: Sequence[Pairs], levels: Sequence[Level]) -> list[Level]:
    """Return the levels with what any pair begins with fitted anew.

    Many weights are rounded to one side: together they would make all links less likely.
    """
    registers = [pairs.register for pairs in every]
    scores = [pair_scores(pairs, levels) for pairs in every]

    def loss(points_more: float) -> float:
        total = 0.0
        for pairs, points_before in zip(every, scores, strict=True):
            utilities = (points_before + points_more) / POINTS
            _, norms = pair_chances(utilities, pairs)
            share = 1 / (registers.count(pairs.register) * len(pairs.starts))
            total -= share * float(utilities[pairs.right].sum() - norms.sum())
        return total

    more = round(float(minimize_scalar(loss, bounds=(-20, 20), method="bounded").x))
    return [
        level._replace(weight=level.weight + more) if level.feature == "pair" else level
        for level in levels
    ]


def pair_scores(pairs: Pairs, levels: Sequence[Level]) -> NDArray[np.int64]:
    """Return the score of each pair, in points."""
    scores = np.full(len(pairs.right), any_pair(levels).weight)
    for level in levels:
        if level.feature != "pair":
            scores += level.weight * (pairs.levels[level.feature] == level.place)
    return scores


def best(pairs: Pairs, levels: Sequence[Level]) -> Best:
    """Return the best candidate of each contact, as int_links__ranked or int_persons__ranked."""
    scores = pair_scores(pairs, levels)
    order = np.lexsort((np.arange(len(scores)), -scores, pairs.groups))
    first = order[np.searchsorted(pairs.groups[order], np.arange(len(pairs.starts)))]
    nobody = np.power(10.0, -scores[first] / 10)
    if pairs.persons is not None:
        odds, margins = rivals_of_persons(pairs, pairs.persons, scores, first)
        rivals = odds + np.round(nobody, 6)
    else:
        odds, margins = np.power(10.0, (scores - scores[first][pairs.groups]) / 10), None
        rivals = np.add.reduceat(odds, pairs.starts) - 1 + nobody
    leads = np.round(-10 * np.log10(np.maximum(rivals, 1e-6))).astype(np.int64)
    return Best(first, pairs.right[first], leads, margins)


def rivals_of_persons(
    pairs: Pairs, persons: Persons, scores: NDArray[np.int64], first: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the odds of all rivals of each contact's best person, and the margin to the best one.

    Rivals are other persons for the contact, and other contacts for the person. Odds are in
    millionths.
    """
    odds, margins = np.zeros(len(first)), np.full(len(first), 10_000)
    for numbers, others in ((pairs.groups, persons.numbers), (persons.numbers, pairs.groups)):
        order = np.argsort(numbers, kind="stable")
        begins = np.searchsorted(numbers[order], numbers[first], side="left")
        counts = np.searchsorted(numbers[order], numbers[first], side="right") - begins
        best_of = np.repeat(np.arange(len(first)), counts)
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rivals = order[np.repeat(begins, counts) + offsets]
        is_other = (others[rivals] != others[first][best_of]) & (scores[rivals] >= LEAST_SCORE)
        best_of, rivals = best_of[is_other], rivals[is_other]
        behind = scores[first][best_of] - scores[rivals]
        np.minimum.at(margins, best_of, behind)
        # What agrees as well may be the same person, registered twice.
        rivalry = np.power(10.0, -np.maximum(behind, LEAST_RIVALRY) / 10)
        np.add.at(odds, best_of, np.round(rivalry, 6))
    return odds, margins


def bands(
    every: Sequence[Pairs], found: Sequence[Best], unseen: Sequence[Best]
) -> list[tuple[str, int, float]]:
    """Return the confidence per tier and lead: rows of the seed link_bands.

    From the least lead of which links are used unseen, all tiers count together: a tier describes a
    link, and says nothing that the cautions do not.

    Args:
        every: the sets.
        found: their best candidates by the weights of all registers.
        unseen: their best candidates by the weights of the other registers.
    """
    tiers = sorted({str(tier) for pairs in every for tier in np.unique(pairs.tiers)} - {""})
    sure = next(
        (
            number
            for number, lower in enumerate(BOUNDS)
            if _is_sure(every, found, lower) and _is_sure(every, unseen, lower)
        ),
        len(BOUNDS),
    )
    together = _measured(tiers, every, found)
    rows: list[tuple[str, int, float]] = []
    for tier in tiers:
        alone = _measured([tier], every, found)
        last = None
        for number, lower in enumerate(BOUNDS):
            share = (
                min(max(together[number], AUTO), 0.999)
                if number >= sure
                else min(alone[number], AUTO - 0.005)
            )
            if round(share, 3) != last:
                rows.append((tier, lower, round(share, 3)))
            last = round(share, 3)
    return rows


def person_bands(
    every: Sequence[Pairs], found: Sequence[Best], priors: Sequence[tuple[str, int, float]]
) -> list[tuple[str, int, float]]:
    """Return the confidence per evidence and lead: as many rows, with the same bounds.

    No band becomes so sure that its links are used unseen, unless it was by hand.

    Args:
        every: the sets.
        found: their best candidates.
        priors: the bands set by hand.
    """
    rows: list[tuple[str, int, float]] = []
    for tier in dict.fromkeys(tier for tier, *_ in priors):
        own = {lower: confidence for name, lower, confidence in priors if name == tier}
        shares = _measured([tier], every, found, own, PERSON_PRIOR_LINKS)
        for (lower, prior), share in zip(own.items(), shares, strict=True):
            most = 0.999 if prior >= AUTO else AUTO - 0.005
            rows.append((tier, lower, round(min(share, most), 3)))
    return rows


def _odds_themselves() -> dict[int, float]:
    """Return the share of right links that the lead itself says, by the bounds of bands."""
    odds = {lower: 10 ** ((max(lower, -8) + 1.5) / 10) for lower in BOUNDS}
    return {lower: one / (1 + one) for lower, one in odds.items()}


def _measured(
    tiers: Sequence[str],
    every: Sequence[Pairs],
    found: Sequence[Best],
    priors: Mapping[int, float] | None = None,
    prior_links: int = PRIOR_LINKS,
) -> list[float]:
    """Return the share of right links of some tiers in each band, never falling.

    So many links are added to each, of which the share of `priors` is right.
    """
    registers = [pairs.register for pairs in every]
    shares: list[float] = []
    counts: list[float] = []
    priors = _odds_themselves() if priors is None else priors
    for lower, upper in zip(priors, (*list(priors)[1:], 10_000), strict=True):
        links, right = float(prior_links), prior_links * priors[lower]
        for pairs, one in zip(every, found, strict=True):
            inside = np.isin(pairs.tiers[one.pairs], tiers)
            inside &= (one.leads >= lower) & (one.leads < upper)
            # A register of many links counts no more than three hundred of them.
            share = 1 / max(int(inside.sum()) / 300, 1) / registers.count(pairs.register)
            links += share * int(inside.sum())
            right += share * int(one.right[inside].sum())
        shares.append(right / links)
        counts.append(links)
    return rising(shares, counts)


def _is_sure(every: Sequence[Pairs], ones: Sequence[Best], lower: int) -> bool:
    """Return whether on no register fewer links than AUTO_PRECISION are right from a lead on.

    A register of few links may have one wrong by chance: it counts only where so many wrong ones
    would be unlikely.
    """
    tallies: dict[str, list[int]] = {}
    for pairs, one in zip(every, ones, strict=True):
        links = (one.leads >= lower) & ~pairs.cautions[one.pairs]
        tally = tallies.setdefault(pairs.register, [0, 0])
        tally[0] += int(links.sum())
        tally[1] += int((links & ~one.right).sum())
    return all(
        bdtrc(wrong - 1, links, 1 - AUTO_PRECISION) >= UNLIKELY for links, wrong in tallies.values()
    )


def rising(values: Sequence[float], counts: Sequence[float]) -> list[float]:
    """Return the nearest values that never fall, by pooling adjacent ones that do."""
    pools: list[list[float]] = []
    for value, count in zip(values, counts, strict=True):
        pools.append([value, count, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, first, many), (other, second, more) = pools[-2:]
            mean = (one * first + other * second) / (first + second)
            pools[-2:] = [[mean, first + second, many + more]]
    return [value for value, _, many in pools for _ in range(int(many))]


def confidences_of(
    pairs: Pairs, one: Best, bands: Sequence[tuple[str, int, float]]
) -> NDArray[np.float64]:
    """Return the confidence that the bands give each best candidate; 0 where there is no band."""
    found = np.zeros(len(one.pairs))
    for tier, lower, confidence in bands:
        found[(pairs.tiers[one.pairs] == tier) & (one.leads >= lower)] = confidence
    return found


class Reached(NamedTuple):
    """What links reach on one set."""

    f1: float
    auto_precision: float
    auto_recall: float
    found: float


def reached(
    pairs: Pairs, one: Best, confidences: Sequence[tuple[str, int, float]],
    review: float = REVIEW, margin: int = MARGIN,
) -> Reached:  # fmt: skip
    """Score the links that the bands make of the best candidates."""
    sure = confidences_of(pairs, one, confidences)
    linked = sure >= review
    margins = one.leads if one.margins is None else one.margins
    if pairs.persons is not None:
        linked &= ~pairs.persons.have_to_lead[one.pairs] | (margins >= 0)
    auto = linked & (sure >= AUTO) & ~pairs.cautions[one.pairs] & (margins >= margin)
    right = int(one.right[linked].sum())
    right_auto = int(one.right[auto].sum())
    return Reached(
        2 * right / max(int(linked.sum()) + pairs.truths, 1),
        right_auto / max(int(auto.sum()), 1),
        right_auto / max(pairs.truths, 1),
        int(pairs.right.sum()) / max(pairs.truths, 1),
    )


def compared(
    given: Sequence[sets.Set],
    levels: Sequence[Level],
    folder: Path,
    look_at: Callable[..., Pairs] = compare,
) -> list[Pairs]:
    """Build the links of sets, as they are and with few in the CRM, and return all levels.

    Raises:
        InputError: a set cannot be read, or has no right link among its pairs.
        ProgramError: dbt failed.
    """
    every = []
    for one in given:
        register = one.database.resolve().parent.name
        print(f"{register}: {one.name} …", flush=True)
        pairs = look_at(one, register, levels, folder)
        if not pairs.right.any():
            msg = f"SETS: {one.name}: no right link is among its pairs, so it can teach nothing"
            raise InputError(msg)
        every.append(pairs)
        if pairs.truths > SPARSE * len(pairs.starts):
            few = look_at(one, register, levels, folder, of_few=True)
            if few.right.any():
                every.append(few)
    return every


def fit(text: str, output: Path, folder: Path) -> None:
    """Fit to the sets of a text of folders, write the seeds, and print what they reach.

    Raises:
        InputError: a set cannot be read, or has no right link among its pairs.
        ProgramError: dbt failed.
    """
    levels = read_levels(SEEDS / "link_levels.csv")
    # Building the sets takes minutes: a folder that cannot be made is told before.
    output.mkdir(parents=True, exist_ok=True)
    every = compared(sets.parsed(text), levels, folder)
    save(output, every, levels)


def fit_persons(text: str, output: Path, folder: Path) -> None:
    """Fit the links of persons, as `fit` those of companies.

    Raises:
        InputError: a set cannot be read, or has no right link among its pairs.
        ProgramError: dbt failed.
    """
    levels = read_levels(SEEDS / "person_levels.csv", "prior")
    output.mkdir(parents=True, exist_ok=True)
    save_persons(output, compared(sets.parsed(text), levels, folder, compare_persons), levels)


def registers(every: Sequence[Pairs]) -> Iterator[tuple[str, list[int], list[int]]]:
    """Yield each register, the numbers of its sets, and those of all others.

    Two registers may have sets of one name, so sets are told apart by their numbers.
    """
    for register in sorted({pairs.register for pairs in every}):
        own = [number for number, pairs in enumerate(every) if pairs.register == register]
        yield register, own, [number for number in range(len(every)) if number not in own]


def fitted_to(  # noqa: PLR0913 - as `fitted`
    numbers: Iterable[int],
    every: Sequence[Pairs],
    matrices: Sequence[LinearOperator],
    levels: Sequence[Level],
    design: Design,
    *,
    shrinkage: Shrinkage = TO_NOTHING,
    search: Search = WHOLE_SEARCH,
) -> tuple[NDArray[np.float64], list[Level]]:
    """Fit to some of the sets: return what `fitted` does, and the weights in points, balanced."""
    numbers = list(numbers)
    seen = [every[number] for number in numbers]
    own = [matrices[number] for number in numbers]
    values = fitted(seen, own, levels, design, shrinkage, search=search)
    return values, balanced(seen, points(values, levels, design))


def save(output: Path, every: Sequence[Pairs], levels: Sequence[Level]) -> None:
    """Fit to the pairs of sets, write the seeds to a folder, and print what they reach."""
    design = designed(levels)
    matrices = [matrix(pairs, levels, design) for pairs in every]
    values_in_all, in_all = fitted_to(range(len(every)), every, matrices, levels, design)
    unseen: dict[int, Best] = {}
    for _, own, others in registers(every):
        if others:
            # Without one register the weights are near those of all.
            near = Search(values_in_all)
            _, weights = fitted_to(others, every, matrices, levels, design, search=near)
            unseen |= {number: best(every[number], weights) for number in own}
    found = [best(pairs, in_all) for pairs in every]
    left_out = [unseen.get(number, one) for number, one in enumerate(found)]
    confidences = bands(every, found, left_out)
    # A tier that no set has links of keeps what it has.
    measured = {tier for tier, *_ in confidences}
    kept = [band for band in read_bands(SEEDS / "link_bands.csv") if band[0] not in measured]
    confidences = sorted([*confidences, *kept])
    write_seed(output / "link_levels.csv", Level._fields, in_all)
    write_seed(output / "link_bands.csv", ("tier", "lower_bound", "confidence"), confidences)
    print("\nEach register left out of the weights (first), and all in them (second):")
    print_reached(
        every,
        [reached(pairs, one, confidences) for pairs, one in zip(every, left_out, strict=True)],
        [reached(pairs, one, confidences) for pairs, one in zip(every, found, strict=True)],
    )


def save_persons(output: Path, every: Sequence[Pairs], levels: Sequence[Level]) -> None:
    """Fit to the pairs of persons, write the seeds to a folder, and print what they reach.

    Args:
        output: the folder.
        every: the sets.
        levels: the levels, with the weights set by hand.
    """
    design = designed(levels)
    matrices = [matrix(pairs, levels, design) for pairs in every]
    priors = read_bands(SEEDS / "person_bands.csv", "evidence", "prior")
    shrinkage = Shrinkage(steps_of(levels, design), PERSON_RIDGE)

    def seeds_of(numbers: Iterable[int]) -> tuple[list[Level], list[tuple[str, int, float]]]:
        numbers = list(numbers)
        seen = [every[number] for number in numbers]
        _, weights = fitted_to(numbers, every, matrices, levels, design, shrinkage=shrinkage)
        return weights, person_bands(seen, [best(pairs, weights) for pairs in seen], priors)

    in_all, confidences = seeds_of(range(len(every)))
    inside = [reached(pairs, best(pairs, in_all), confidences) for pairs in every]
    outside = list(inside)
    for own, others in left_out_sets(every):
        if others:
            weights, own_confidences = seeds_of(others)
            for number in own:
                pairs = every[number]
                outside[number] = reached(pairs, best(pairs, weights), own_confidences)
    write_seed(
        output / "person_levels.csv",
        PERSON_LEVELS,
        [(*level[:4], was.weight, *level[4:]) for level, was in zip(in_all, levels, strict=True)],
    )
    write_seed(
        output / "person_bands.csv",
        PERSON_BANDS,
        [
            (tier, lower, prior, confidence)
            for (tier, lower, prior), (*_, confidence) in zip(priors, confidences, strict=True)
        ],
    )
    print("\nEach set left out of weights and confidences (first), and all in them (second):")
    print_reached(every, outside, inside)


def left_out_sets(every: Sequence[Pairs]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the numbers of each set, as it is and with few in the CRM, and those of all others."""
    names = [(pairs.register, pairs.name.removesuffix(FEW)) for pairs in every]
    for name in dict.fromkeys(names):
        own = [number for number, one in enumerate(names) if one == name]
        yield own, [number for number in range(len(every)) if number not in own]


def print_reached(
    every: Sequence[Pairs], outside: Sequence[Reached], inside: Sequence[Reached]
) -> None:
    """Print what each set reaches, left out of the fit and in it."""
    rows = []
    for pairs, one, other in zip(every, outside, inside, strict=True):
        rows.append(
            (
                pairs.register, pairs.name,
                *(f"{value:.3f}" for value in one[:3]),
                *(f"{value:.3f}" for value in other[:3]),
                f"{other.found:.3f}", f"{len(pairs.right) / len(pairs.starts):.1f}",
            )
        )  # fmt: skip
    header = [
        "register",
        "set",
        "F1",
        "auto P",
        "auto R",
        "F1",
        "auto P",
        "auto R",
        "found",
        "pairs",
    ]
    print(table(header, rows))


def main(given: Sequence[str] | None = None) -> int:
    """Fit from the command line: 0 done, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.fit", description=__doc__)
    parser.add_argument("--sets", required=True, metavar="SETS", help="folders, one per register")
    parser.add_argument("--people", action="store_true", help="of links of persons")
    parser.add_argument("--output", type=Path, default=SEEDS, help="where to write the seeds")
    arguments = parser.parse_args(given)

    def work(folder: Path) -> int:
        (fit_persons if arguments.people else fit)(arguments.sets, arguments.output, folder)
        return DONE

    return run_in_folder(work, "fit-")


if __name__ == "__main__":
    sys.exit(main())
