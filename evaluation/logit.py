"""The weights of levels: a conditional logit model, fitted to pairs whose truth is known.

Of a contact's candidates and "none of them", each is as likely as ten to the power of a tenth of
its score (Train, Discrete Choice Methods with Simulation, chapter 3). Weights are shrunk, never
fall where a level agrees more (the seed's column `trend`), and are rounded to whole points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.sparse import csc_matrix, csr_matrix
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from evaluation.levels import FIXED, POINTS, any_pair, is_fitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from evaluation.levels import Level
    from evaluation.pairs import Pairs

# How strongly weights are drawn to nothing, in the loss of a register, per squared natural
# logarithm.
RIDGE = 5e-5


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
