"""How sure the best candidates are: the share of right ones by tier and lead, in bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import bdtrc

from evaluation.logit import pair_scores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from evaluation.levels import Level
    from evaluation.pairs import Pairs, Persons

# The bounds of bands, in points of lead, and how many links the odds themselves count for in a
# band.
BOUNDS = (-100, -6, -3, 0, 3, 6, 8, 10, 12, 14, 16, 18, 20, 25, 30)
PRIOR_LINKS = 3
# How many links those set by hand count for in a band of persons, which families and clubs are in
# that no set has.
PERSON_PRIOR_LINKS = 100
# Bands as sure as AUTO make links that are used unseen: on each register so many of them have to be
# right, whether it was in the fit or not. It is not taken for less where chance makes as many wrong
# links once in five times.
AUTO, AUTO_PRECISION = 0.97, 0.99
# As the variables `review_confidence` and `link_margin` of the dbt project have them.
REVIEW, MARGIN = 0.4, 3
# As int_persons__ranked has them: the least score of a rival, and how far it is behind at least.
LEAST_SCORE, LEAST_RIVALRY = -40, 5
UNLIKELY = 0.2


class Best(NamedTuple):
    """The best candidate of each contact: whether it is right, and its lead in points.

    `margins` is how far each person's score is above that of the best rival.
    """

    pairs: NDArray[np.int64]
    right: NDArray[np.bool_]
    leads: NDArray[np.int64]
    margins: NDArray[np.int64] | None = None


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


def link_bands(
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
