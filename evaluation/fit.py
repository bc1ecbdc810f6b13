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
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation import sets
from evaluation.command import DONE, run_in_folder
from evaluation.confidence import Best, best, link_bands, person_bands, reached
from evaluation.levels import (
    PERSON_BANDS,
    PERSON_LEVELS,
    SEEDS,
    Level,
    read_bands,
    read_levels,
    write_seed,
)
from evaluation.logit import Search, Shrinkage, designed, fitted_to, matrix, steps_of
from evaluation.pairs import compare_persons, compared, left_out_sets, registers
from tools.demo.report import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evaluation.confidence import Reached
    from evaluation.pairs import Pairs

# How strongly weights of persons are drawn to those set by hand, which families and clubs are in
# that no set has: as `RIDGE` draws others to nothing.
PERSON_RIDGE = 3e-3


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
    confidences = link_bands(every, found, left_out)
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
