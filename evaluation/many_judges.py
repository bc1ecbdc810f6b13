"""Many judges of one set: what their decisions teach on average, and at worst, without dbt.

The pairs of a set are built once. Judging, fitting and linking are then done in memory, so that a
trial takes seconds: `make judges DRAWS=5`. Aliases are left out, and contacts of one name may be
tested on each other's answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evaluation.confidence import AUTO, MARGIN, REVIEW, best, confidences_of
from evaluation.logit import pair_scores
from evaluation.own_weights import (
    FOLDS,
    Decided,
    cross_validated,
    objection,
    of_contacts,
    own_weights,
    too_few,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from evaluation.levels import Level
    from evaluation.pairs import Pairs

# As the variable `link_threshold` of the dbt project has it.
THRESHOLD = -5
SHOWN = 10

Bands = list[tuple[str, int, float]]


class Linked(NamedTuple):
    """What weights make of each contact: whether it is linked, without asking, and rightly."""

    proposed: NDArray[np.bool_]
    auto: NDArray[np.bool_]
    right: NDArray[np.bool_]
    confidence: NDArray[np.float64]


class Trial(NamedTuple):
    """What one judge's decisions gain: F1 of all and of the rest, and precision of `auto` there."""

    before: float
    decided: float
    learned: float
    rest: float
    rest_learned: float
    precision: float
    precision_learned: float
    refused: bool


def linked(pairs: Pairs, levels: Sequence[Level], bands: Bands) -> Linked:
    """Link the contacts of a set, as the models do."""
    one = best(pairs, levels)
    confidence = confidences_of(pairs, one, bands)
    scores = pair_scores(pairs, levels)[one.pairs]
    proposed = (confidence >= REVIEW) & (scores >= THRESHOLD)
    auto = proposed & (confidence >= AUTO) & ~pairs.cautions[one.pairs]
    return Linked(proposed, auto & (one.leads >= MARGIN), one.right, confidence)


class Answers(NamedTuple):
    """What a judge said of some contacts: which pair is right, and which may still be."""

    asked: NDArray[np.bool_]
    right: NDArray[np.bool_]
    open: NDArray[np.bool_]


def answers(
    pairs: Pairs,
    levels: Sequence[Level],
    asked: NDArray[np.int64],
    wrong: float,
    chance: np.random.Generator,
) -> Answers:
    """Let a judge answer about contacts who knows the truth, and now and then errs."""
    scores = pair_scores(pairs, levels)
    ends = np.append(pairs.starts[1:], len(pairs.right))
    right, still_open = np.zeros_like(pairs.right), np.zeros_like(pairs.right)
    for contact in asked:
        own = np.arange(pairs.starts[contact], ends[contact])
        shown = own[np.argsort(-scores[own], kind="stable")][:SHOWN]
        said = own[pairs.right[own]]
        if chance.random() < wrong:
            others = shown[~pairs.right[shown]]
            said = chance.choice(others, 1) if len(others) else others
        if len(said):
            right[said[0]] = True
        else:
            still_open[own] = True
            still_open[shown] = False
    is_asked = np.zeros(len(pairs.starts), dtype=bool)
    is_asked[asked] = True
    return Answers(is_asked, right, still_open)


def trial(  # noqa: PLR0913 - each of them is what is tried
    pairs: Pairs,
    levels: Sequence[Level],
    bands: Bands,
    *,
    judgements: int,
    order: str,
    wrong: float,
    seed: int,
) -> Trial:
    """Let one judge decide what waits, learn from it, and return what that gains."""
    chance = np.random.default_rng(seed)
    before = linked(pairs, levels, bands)
    queue = np.flatnonzero(before.proposed & ~before.auto)
    if order == "random":
        queue = chance.permutation(queue)
    else:
        queue = queue[np.argsort(before.confidence[queue], kind="stable")]
    said = answers(pairs, levels, queue[:judgements], wrong, chance)
    given = of_contacts(pairs._replace(right=said.right, open=said.open), said.asked)
    decided = Decided(given, np.arange(len(given.starts)) % FOLDS)
    refused = too_few(decided) or objection(*cross_validated(decided, levels))
    after = before if refused else linked(pairs, own_weights(given, levels), bands)
    return Trial(
        _f1(pairs, before, None),
        _f1(pairs, before, said),
        _f1(pairs, after, said),
        _f1_of_rest(pairs, before, said.asked),
        _f1_of_rest(pairs, after, said.asked),
        _precision(before, said.asked),
        _precision(after, said.asked),
        refused is not None,
    )


def _f1(pairs: Pairs, made: Linked, said: Answers | None) -> float:
    is_linked, is_right = made.proposed.copy(), made.proposed & made.right
    if said is not None:
        of_contact = np.maximum.reduceat(said.right, pairs.starts)
        rightly = np.maximum.reduceat(said.right & pairs.right, pairs.starts)
        is_linked[said.asked] = of_contact[said.asked]
        is_right[said.asked] = rightly[said.asked]
    return 2 * int(is_right.sum()) / (int(is_linked.sum()) + pairs.truths)


def _f1_of_rest(pairs: Pairs, made: Linked, asked: NDArray[np.bool_]) -> float:
    found = np.maximum.reduceat(pairs.right, pairs.starts)
    truths = pairs.truths - int(found[asked].sum())
    is_linked = made.proposed & ~asked
    return 2 * int((is_linked & made.right).sum()) / (int(is_linked.sum()) + truths)


def _precision(made: Linked, asked: NDArray[np.bool_]) -> float:
    sure = made.auto & ~asked
    return float(made.right[sure].mean()) if sure.any() else 1.0
