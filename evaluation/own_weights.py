"""Weights of an account's own: fitted to its decisions, and tested on those that were left out.

The model is that of `evaluation.logit`. Weights are shrunk towards the shipped ones. A forced link
says which pair is right. A company that was ruled out says only that this pair is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evaluation.confidence import best
from evaluation.levels import POINTS, level_places
from evaluation.logit import (
    Shrinkage,
    designed,
    fitted,
    matrix,
    pair_chances,
    pair_scores,
    points,
    steps_of,
)
from evaluation.pairs import Pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    from numpy.typing import NDArray

    from evaluation.levels import Level

# How strongly weights are shrunk towards the shipped ones: the squared distance of a weight, in
# natural logarithms, costs as much as so many contacts that are e times less likely. With 5 a judge
# who is wrong in 5 of 100 could cost an account two points of F1: docs/learning.md.
SHRINKAGE = 20.0
# Fewer contacts teach nothing that could be tested.
LEAST = 30
FOLDS = 5
# What is gained on decisions that were left out has to be so many of its standard errors: less may
# be chance, or hold for the contacts that were asked about alone.
SURE = 3

# All pairs of decided contacts with the levels that their names have by themselves: an alias, and
# the pairs that it alone finds, are what the decisions themselves have taught.
DECIDED = """
with decided as (
    select contact_id, company_id, decision
    from intermediate.int_link_overrides__checked where effect = 'in force'
),
forced as (select contact_id, company_id from decided where decision = 'force')
select
    pairs.contact_number,
    coalesce(contacts.squeezed_name, contacts.contact_id) as name,
    forced.company_id is not null as is_forced,
    coalesce(forced.company_id = pairs.company_id, false) as is_right,
    forbidden.company_id is not null as is_forbidden,
    coalesce(
        names.name_level, case when contacts.core_number is null then 'not_given' end
    ) as name_level,
    {columns}
from intermediate.int_links__scored as pairs
inner join (select distinct contact_id from decided) as asked using (contact_id)
inner join intermediate.int_contacts__match_keys as contacts using (contact_id)
inner join intermediate.int_companies__match_keys as companies
    on pairs.company_id = companies.company_id
inner join intermediate.int_links__candidates as candidates
    on pairs.contact_number = candidates.contact_number
    and pairs.company_number = candidates.company_number
left join intermediate.int_links__name_levels as names
    on contacts.core_number = names.contact_core and companies.core_number = names.company_core
left join forced on pairs.contact_id = forced.contact_id
left join decided as forbidden
    on pairs.contact_id = forbidden.contact_id
    and pairs.company_id = forbidden.company_id
    and forbidden.decision = 'forbid'
where greatest(*columns(candidates.* exclude (contact_number, company_number, by_alias))) = 1
order by pairs.contact_number, pairs.company_number
"""


class Decided(NamedTuple):
    """The pairs of all contacts with a decision, and the part that each contact is tested in."""

    pairs: Pairs
    parts: NDArray[np.int64]


class Outcome(NamedTuple):
    """How weights did on contacts that they were not fitted to."""

    losses: NDArray[np.float64]
    right: int
    wrong: int

    @property
    def loss(self) -> float:
        """The mean logarithmic loss of a contact."""
        return float(self.losses.mean())


def decided(connection: duckdb.DuckDBPyConnection, levels: Sequence[Level]) -> Decided:
    """Return the pairs of the contacts that people decided about.

    Contacts of one name are tested together: one would tell the answer of the others.
    """
    features = sorted({level.feature for level in levels} - {"pair"})
    described = connection.execute("describe intermediate.int_links__name_levels").fetchall()
    of_names = {name for name, *_ in described}
    columns = ", ".join(
        f"{'names' if f'{feature}_level' in of_names else 'pairs'}.{feature}_level"
        for feature in features
        if feature != "name"
    )
    rows = connection.execute(DECIDED.format(columns=columns)).fetchnumpy()
    _, starts, groups = np.unique(rows["contact_number"], return_index=True, return_inverse=True)
    forced = np.asarray(rows["is_forced"], dtype=bool)
    pairs = Pairs(
        "account",
        "decisions",
        {feature: level_places(rows[f"{feature}_level"], feature, levels) for feature in features},
        np.asarray(rows["is_right"], dtype=bool),
        np.full(len(groups), ""),
        np.zeros(len(groups), dtype=bool),
        starts,
        groups,
        int(np.asarray(rows["is_right"], dtype=bool).sum()),
        ~forced & ~np.asarray(rows["is_forbidden"], dtype=bool),
    )
    _, firsts, names = np.unique(
        np.asarray(rows["name"]).astype(str)[starts], return_index=True, return_inverse=True
    )
    # Names in the order in which they come, dealt out like cards.
    return Decided(pairs, np.argsort(np.argsort(firsts))[names] % FOLDS)


def own_weights(pairs: Pairs, levels: Sequence[Level]) -> list[Level]:
    """Return the levels with weights that are fitted to decisions, shrunk towards those given."""
    design = designed(levels)
    values = fitted(
        [pairs],
        [matrix(pairs, levels, design)],
        levels,
        design,
        Shrinkage(steps_of(levels, design), SHRINKAGE / len(pairs.starts)),
    )
    return points(values, levels, design)


def of_contacts(pairs: Pairs, chosen: NDArray[np.bool_]) -> Pairs:
    """Return the pairs of some contacts."""
    kept = chosen[pairs.groups]
    _, starts, groups = np.unique(pairs.groups[kept], return_index=True, return_inverse=True)
    return pairs._replace(
        levels={feature: places[kept] for feature, places in pairs.levels.items()},
        right=pairs.right[kept],
        tiers=pairs.tiers[kept],
        cautions=pairs.cautions[kept],
        starts=starts,
        groups=groups,
        open=None if pairs.open is None else pairs.open[kept],
    )


def outcome(pairs: Pairs, levels: Sequence[Level]) -> Outcome:
    """Test weights on decisions: the links that are more likely than not, and the loss."""
    utilities = pair_scores(pairs, levels) / POINTS
    _, norms = pair_chances(utilities, pairs)
    losses = norms - np.bincount(
        pairs.groups, np.where(pairs.right, utilities, 0.0), len(pairs.starts)
    )
    possible = pairs.right
    if pairs.open is not None:
        _, left = pair_chances(np.where(pairs.open, utilities, -np.inf), pairs)
        losses -= left
        possible = pairs.right | pairs.open
    one = best(pairs, levels)
    taken = one.leads >= 0
    return Outcome(
        losses, int((taken & one.right).sum()), int((taken & ~possible[one.pairs]).sum())
    )


def cross_validated(given: Decided, levels: Sequence[Level]) -> tuple[Outcome, Outcome]:
    """Test the shipped weights, and own ones that are fitted to the other parts."""
    both: tuple[list[Outcome], list[Outcome]] = ([], [])
    for part in range(FOLDS):
        inside = of_contacts(given.pairs, given.parts == part)
        own = own_weights(of_contacts(given.pairs, given.parts != part), levels)
        for tests, weights in zip(both, (levels, own), strict=True):
            tests.append(outcome(inside, weights))
    shipped, own_test = (
        Outcome(
            np.concatenate([each.losses for each in tests]),
            sum(each.right for each in tests),
            sum(each.wrong for each in tests),
        )
        for tests in both
    )
    return shipped, own_test


def too_few(given: Decided) -> str | None:
    """Return why there are too few decisions to learn from, or None."""
    contacts, names = len(given.parts), len(np.unique(given.parts))
    if contacts < LEAST or names < FOLDS:
        return f"too few decisions: {contacts} contacts with a candidate, of {LEAST} at least"
    return None


def objection(shipped: Outcome, own: Outcome) -> str | None:
    """Return why own weights are not to be used, or None."""
    gains = shipped.losses - own.losses
    error = float(gains.std(ddof=1)) / len(gains) ** 0.5
    if gains.mean() <= SURE * error:
        return (
            f"own weights are not surely better: on {len(gains)} contacts that they were not fitted"
            f" to, the log loss falls by {gains.mean():.3f}, and chance alone makes {error:.3f}"
        )
    if own.right - own.wrong < shipped.right - shipped.wrong:
        return (
            f"own weights would not be better: {own.right} right and {own.wrong} wrong links"
            f" instead of {shipped.right} and {shipped.wrong}"
        )
    return None
