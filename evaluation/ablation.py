"""What each piece of evidence brings: the links without it, on registers left out of the fit.

`make ablation SETS="…"` takes registers as `make fit` does. For each piece of evidence the weights
are fitted anew without it, for each register to the others alone, and scored on the register. A
piece that brings nothing on any register can go. Writes nothing.

Exit code 0: done; 1: dbt failed; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evaluation import sets
from evaluation.command import DONE, run_in_folder
from evaluation.confidence import best
from evaluation.levels import SEEDS, read_levels
from evaluation.logit import Search, designed, fitted_to, matrix
from evaluation.pairs import compared, registers
from tools.demo.report import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evaluation.levels import Level
    from evaluation.pairs import Pairs

# What goes together: a feature that the others of its group replace tells nothing alone.
GROUPS = {
    "letters": ("letters",),
    "words covered": ("contact_words", "company_words"),
    "words missing": ("contact_missing", "company_missing"),
    "first words": ("first_word",),
    "rarity of what is shared": ("rarest_word", "shared_rarity"),
    "rival names": ("contact_rival", "company_rival"),
    "all of words": (
        "contact_words", "company_words", "contact_missing", "company_missing", "first_word",
        "rarest_word", "shared_rarity",
    ),
}  # fmt: skip
# A link from this lead on counts as found, and one without caution from the other as sure.
FOUND, SURE = -1, 14
ITERATIONS = 120


class Share(NamedTuple):
    """F1 of the links, and the share of true links that are sure and right, of one set."""

    f1: float
    sure: float


def pieces(levels: Sequence[Level]) -> dict[str, tuple[str, ...]]:
    """Return the features of each piece of evidence, by its name."""
    grouped = {feature for group in GROUPS.values() for feature in group}
    alone = dict.fromkeys(level.feature for level in levels if level.feature != "pair")
    found = {"name as a whole": ("name",), **GROUPS}
    found |= {name: (name,) for name in alone if name not in grouped and name != "name"}
    return {name: features for name, features in found.items() if alone.keys() & set(features)}


def score(pairs: Pairs, weights: Sequence[Level]) -> Share:
    """Score the links that weights make of the pairs of a set."""
    one = best(pairs, weights)
    found = one.leads >= FOUND
    sure = (one.leads >= SURE) & ~pairs.cautions[one.pairs]
    right = int(one.right[found].sum())
    return Share(
        2 * right / max(int(found.sum()) + pairs.truths, 1),
        int(one.right[sure].sum()) / max(pairs.truths, 1),
    )


def without(pairs: Pairs, features: Sequence[str]) -> Pairs:
    """Return the pairs as if nothing were known of some features."""
    unknown = {name: np.full(len(pairs.right), -1) for name in features if name in pairs.levels}
    return pairs._replace(levels={**pairs.levels, **unknown})


def left_out(
    every: Sequence[Pairs],
    levels: Sequence[Level],
    starts: Mapping[str, NDArray[np.float64]],
) -> tuple[list[Share], dict[str, NDArray[np.float64]]]:
    """Score each set with its register left out of the fit, and return the weights of each fit."""
    design = designed(levels)
    matrices = [matrix(pairs, levels, design) for pairs in every]
    shares: dict[int, Share] = {}
    found = {}
    for register, own, others in registers(every):
        search = Search(starts.get(register), ITERATIONS)
        found[register], weights = fitted_to(others, every, matrices, levels, design, search=search)
        shares |= {number: score(every[number], weights) for number in own}
    return [shares[number] for number in range(len(every))], found


def report(every: Sequence[Pairs], levels: Sequence[Level]) -> str:
    """Return a table with a row per piece of evidence: what links lose without it.

    The columns: mean F1 over the sets, and by how many hundredths of a point it falls; the set that
    loses the most; and the fall of the mean share of sure links.
    """
    whole, starts = left_out(every, levels, {})
    # A second search from where the first one ended is as long as those without a piece.
    whole, starts = left_out(every, levels, starts)
    mean, sure = np.mean([one.f1 for one in whole]), np.mean([one.sure for one in whole])
    rows = [("all", f"{mean:.4f}", "", "", "")]
    for name, features in pieces(levels).items():
        print(f"without {name} …", file=sys.stderr, flush=True)
        shares, _ = left_out([without(pairs, features) for pairs in every], levels, starts)
        losses = [before.f1 - after.f1 for before, after in zip(whole, shares, strict=True)]
        worst = int(np.argmax(losses))
        rows.append(
            (
                name,
                f"{mean - np.mean(losses):.4f}",
                f"{100 * np.mean(losses):+.2f}",
                f"{every[worst].name} {100 * losses[worst]:+.1f}",
                f"{100 * (sure - np.mean([one.sure for one in shares])):+.2f}",
            )
        )
    return table(["without", "mean F1", "lost, points", "most on", "sure links lost, points"], rows)


def main(given: Sequence[str] | None = None) -> int:
    """Tell what evidence brings from the command line: 0 done, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.ablation", description=__doc__)
    parser.add_argument("--sets", required=True, metavar="SETS", help="folders, one per register")
    arguments = parser.parse_args(given)

    def work(folder: Path) -> int:
        levels = read_levels(SEEDS / "link_levels.csv")
        every = compared(sets.parsed(arguments.sets), levels, folder)
        print(report(every, levels))
        return DONE

    return run_in_folder(work, "ablation-")


if __name__ == "__main__":
    sys.exit(main())
