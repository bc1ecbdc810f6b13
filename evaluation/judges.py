"""Let simulated judges decide what waits, and measure what their decisions teach: `make judges`.

Each set is built as it is shipped. A judge who knows the truth answers questions of the queue: 50,
200 and 500, or as many as there are; in a random order, and in that of `teaching_rank`; and wrongly
in 5 of 100. Where the truth names a company, the judge forces it; where it names none, the judge
rules out all candidates that the review page shows. The decisions go the way of any: the decisions
file, dbt, `evaluation.own_weights` with all that refuses, and dbt again.

With `--draws` so many judges decide about each set, in memory (`evaluation.many_judges`).

With `--left-out` each set is judged with weights that were fitted to all other sets, as an account
whose register none was fitted to.

Exit code 0: done; 1: the same decisions made other links, what a decision taught stayed when it was
taken back, or dbt failed; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import random
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np

from console.decisions.decision import Decision
from console.decisions.file import DecisionsFile
from evaluation import sets
from evaluation.building import LINKS, build_links
from evaluation.command import DONE, FAILED, run_in_folder
from evaluation.confidence import best, link_bands
from evaluation.inputs import InputError, copy_raw_tables, generate, load_truth
from evaluation.learn import DECISIONS, WEIGHTS, Account, write_weights
from evaluation.levels import SEEDS, read_bands, read_levels
from evaluation.logit import designed, fitted_to, matrix
from evaluation.many_judges import trial
from evaluation.own_weights import cross_validated, decided, objection, own_weights, too_few
from evaluation.pairs import compare
from evaluation.processes import progress
from tools.demo.report import table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from evaluation.levels import Level
    from evaluation.many_judges import Bands, Trial
    from evaluation.pairs import Pairs

JUDGEMENTS = (50, 200, 500)
WRONG = 0.05
# As many as the review page shows.
SHOWN = 10
GENERATED = 4_000
MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)
SELECTION = (*LINKS, "learned_aliases", "link_review_queue")
HEADER = [
    "judged", "order", "wrong", "aliases", "own weights",
    "F1 of all", "", "F1 of the rest", "decided", "and learned", "auto P of the rest", "",
]  # fmt: skip

HEADER_OF_MANY = [
    "judged", "order", "wrong", "judges", "refused", "F1 before", "decided", "and learned",
    "learned, least", "F1 of the rest", "and learned", "auto P of the rest", "and learned",
]  # fmt: skip

Links = dict[str, tuple[str | None, str]]
Truth = dict[str, set[str]]


class Question(NamedTuple):
    """A contact of the queue, with the companies that the review page shows, the proposal first."""

    contact: str
    shown: list[str]


class Judge:
    """Somebody who knows the truth, and now and then errs."""

    def __init__(self, truth: Truth, seed: int, wrong: float) -> None:
        """Take how often the judge is wrong."""
        self._truth = truth
        self._random = random.Random(seed)  # noqa: S311 - the same for the same seed
        self._wrong = wrong

    def decisions(self, questions: Sequence[Question]) -> list[Decision]:
        """Return what the judge decides, a moment for each question."""
        return [
            Decision(
                id=f"{number}-{company}",
                kind="company_link",
                decision="force" if is_link else "forbid",
                contact_id=question.contact,
                company_id=company,
                action=str(number),
                author="judge",
                decided_at=MOMENT.replace(hour=number // 3600 % 24, minute=number // 60 % 60,
                                          second=number % 60),
            )
            for number, question in enumerate(questions)
            for company, is_link in self._answer(question)
        ]  # fmt: skip

    def _answer(self, question: Question) -> list[tuple[str, bool]]:
        right = sorted(self._truth.get(question.contact, ()))
        if self._random.random() < self._wrong:
            others = [company for company in question.shown if company not in right]
            right = [self._random.choice(others)] if others else []
        if right:
            return [(right[0], True)]
        return [(company, False) for company in question.shown]


class Result(NamedTuple):
    """Links, how many aliases were active, and whether own weights were used, or why not."""

    decided: Links
    learned: Links
    aliases: int
    refused: str | None


def questions(warehouse: Path) -> list[Question]:
    """Return the queue in the order of what a decision teaches."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        rows = connection.execute(
            "select queue.contact_id, list(pairs.company_id order by"
            " pairs.company_id <> queue.company_id, pairs.score desc, pairs.company_id)"
            " from marts.link_review_queue as queue"
            " inner join intermediate.int_links__scored as pairs using (contact_id)"
            " group by queue.contact_id, queue.teaching_rank order by queue.teaching_rank"
        ).fetchall()
    return [Question(contact, shown[:SHOWN]) for contact, shown in rows]


def links(warehouse: Path) -> Links:
    """Return the company and the status of each contact."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        rows = connection.execute(
            "select contact_id, company_id, status from marts.contact_company_links"
        ).fetchall()
    return {contact: (company, status) for contact, company, status in rows}


def every_column(warehouse: Path) -> list[tuple[object, ...]]:
    """Return all links, as they are to be equal."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        return connection.execute("from marts.contact_company_links order by contact_id").fetchall()


def f1(found: Links, truth: Truth, left_out: AbstractSet[str] = frozenset()) -> float:
    """Return the F1 of links and proposals, of contacts that are not left out."""
    made = [
        company in truth.get(contact, ())
        for contact, (company, _) in found.items()
        if company is not None and contact not in left_out
    ]
    true = sum(len(companies) for contact, companies in truth.items() if contact not in left_out)
    return 2 * sum(made) / (len(made) + true) if made or true else 0.0


def auto_precision(found: Links, truth: Truth, left_out: AbstractSet[str]) -> float:
    """Return the share of right links among those used unseen, but for some contacts."""
    made = [
        company in truth.get(contact, ())
        for contact, (company, status) in found.items()
        if status == "auto" and contact not in left_out
    ]
    return sum(made) / len(made) if made else 1.0


class Bench:
    """A set that is built once, on which decisions are tried."""

    def __init__(self, given: sets.Set, base: Sequence[Level], folder: Path) -> None:
        """Build the links of a set with base weights.

        Raises:
            InputError: the set cannot be read.
            ProgramError: dbt failed.
        """
        self.base = base
        self._folder = folder
        self.start = folder / "start" / "warehouse.duckdb"
        self.start.parent.mkdir(parents=True)
        copy_raw_tables(given.database, self.start)
        # Its path is the same from there as that of its copies from here: dbt parses once.
        build_links(self.start, self.start.parent, {}, SELECTION)
        # One name for all weights: dbt parses the project anew where a name changes.
        self.weights = folder / "link_levels.csv"
        with duckdb.connect(self.start) as connection:
            load_truth(connection, given.truth)
            rows = connection.execute("select contact_id, company_id from truth").fetchall()
        self.truth: Truth = {}
        for contact, company in rows:
            self.truth.setdefault(contact, set()).add(company)
        account = self._account([])
        account.build((*WEIGHTS, "link_review_queue"), self.weights)
        account.warehouse.replace(self.start)
        self.queue = questions(self.start)
        self.links = links(self.start)

    def _account(self, decisions: Sequence[Decision]) -> Account:
        file = self._folder / "decisions.jsonl"
        file.unlink(missing_ok=True)
        DecisionsFile(file).append(decisions)
        write_weights(self.weights, self.base)
        return Account(self.start, file, self._folder)

    def asked(self, judgements: int, order: str, seed: int) -> list[Question]:
        """Return the questions that a judge is asked."""
        chosen = list(self.queue)
        if order == "random":
            random.Random(seed).shuffle(chosen)  # noqa: S311 - the same for the same seed
        return chosen[:judgements]

    def learn(self, decisions: Sequence[Decision]) -> Result:
        """Let the account learn from decisions, as its next run and `make learn` would.

        Raises:
            ProgramError: dbt failed.
        """
        account = self._account(decisions)
        account.build((*DECISIONS, "learned_aliases"), self.weights)
        with duckdb.connect(account.warehouse, read_only=True) as connection:
            given = decided(connection, self.base)
            (aliases,) = connection.execute(
                "select count(*) from marts.learned_aliases where is_active"
            ).fetchone() or (0,)
        by_decisions = links(account.warehouse)
        refused = too_few(given) or objection(*cross_validated(given, self.base))
        if refused is None:
            write_weights(self.weights, own_weights(given.pairs, self.base))
            account.build(WEIGHTS, self.weights)
        return Result(by_decisions, links(account.warehouse), aliases, refused)

    def built(self, decisions: Sequence[Decision]) -> list[tuple[object, ...]]:
        """Return the links that decisions make with the base weights."""
        account = self._account(decisions)
        account.build(DECISIONS, self.weights)
        return every_column(account.warehouse)

    def check(self, decisions: Sequence[Decision]) -> list[str]:
        """Return what is wrong with repeating decisions and with taking one back."""
        force = next((each for each in decisions if each.decision == "force"), decisions[0])
        undo = Decision(
            id="undo", kind="company_link", decision="undo", undoes=force.id, decided_at=MOMENT
        )
        broken = []
        if self.built(decisions) != self.built(decisions):
            broken.append("the same decisions made other links")
        without = [each for each in decisions if each.id != force.id]
        if self.built([*decisions, undo]) != self.built(without):
            broken.append("a decision that was taken back left something")
        return broken


def trials(queue: int) -> list[tuple[int, str, float]]:
    """Return what is tried on a queue: judgements, order, and how often the judge is wrong."""
    numbers = sorted({min(number, queue) for number in JUDGEMENTS})
    tried = [
        (number, order, 0.0)
        for number in numbers
        for order in ("random", "chosen")
        if order == "chosen" or number < queue
    ]
    return [*tried, (min(JUDGEMENTS[1], queue), "chosen", WRONG)]


def judge(bench: Bench, seed: int) -> list[tuple[object, ...]]:
    """Return a row for each trial on a set."""
    rows: list[tuple[object, ...]] = []
    for judgements, order, wrong in trials(len(bench.queue)):
        asked = bench.asked(judgements, order, seed)
        decisions = Judge(bench.truth, seed, wrong).decisions(asked)
        result = bench.learn(decisions)
        done = {question.contact for question in asked}
        figures = [
            f1(bench.links, bench.truth), f1(result.learned, bench.truth),
            f1(bench.links, bench.truth, done), f1(result.decided, bench.truth, done),
            f1(result.learned, bench.truth, done),
            auto_precision(bench.links, bench.truth, done),
            auto_precision(result.learned, bench.truth, done),
        ]  # fmt: skip
        rows.append(
            (
                judgements, order, f"{wrong:.0%}", result.aliases,
                "no" if result.refused else "yes", *(f"{value:.4f}" for value in figures),
            )
        )  # fmt: skip
    return rows


def built(given: Sequence[sets.Set], levels: Sequence[Level], folder: Path) -> list[Pairs]:
    """Return the pairs of each set.

    Raises:
        InputError: a set cannot be read.
        ProgramError: dbt failed.
    """
    every = []
    for one in given:
        progress(f"dbt builds the pairs of {one.name}")
        every.append(compare(one, one.name, levels, folder))
    return every


def bases(every: Sequence[Pairs], levels: Sequence[Level]) -> list[Sequence[Level]]:
    """Return the weights for each set that were fitted to all others."""
    design = designed(levels)
    matrices = [matrix(pairs, levels, design) for pairs in every]
    found: list[Sequence[Level]] = []
    for left_out in range(len(every)):
        others = [number for number in range(len(every)) if number != left_out]
        _, weights = fitted_to(others, every, matrices, levels, design)
        found.append(weights)
    return found


def judged_by_many(
    pairs: Pairs, levels: Sequence[Level], bands: Bands, draws: int
) -> list[tuple[object, ...]]:
    """Return a row for each kind of trial: means over the judges, and the least that one gains."""
    rows: list[tuple[object, ...]] = []
    kinds = [
        (judgements, order, wrong)
        for wrong in (0.0, WRONG)
        for judgements in JUDGEMENTS
        for order in ("random", "chosen")
        if not wrong or judgements == JUDGEMENTS[1]
    ]
    for judgements, order, wrong in kinds:
        # The same questions, and no fault: one judge is all of them.
        seeds = range(1 if order == "chosen" and not wrong else draws)
        found: list[Trial] = [
            trial(
                pairs, levels, bands, judgements=judgements, order=order, wrong=wrong, seed=seed
            )
            for seed in seeds
        ]  # fmt: skip
        means = np.mean(np.array(found, dtype=float), axis=0)
        least = min(each.learned - each.decided for each in found)
        rows.append(
            (
                judgements, order, f"{wrong:.0%}", len(found), sum(each.refused for each in found),
                *(f"{value:.3f}" for value in means[:3]), f"{100 * least:+.2f}",
                *(f"{value:.3f}" for value in means[3:7]),
            )
        )  # fmt: skip
    return rows


def many(given: Sequence[sets.Set], arguments: argparse.Namespace, folder: Path) -> int:
    """Let many judges decide about each set, in memory, and print a table for each.

    Raises:
        InputError: a set cannot be read.
        ProgramError: dbt failed.
    """
    levels = read_levels(SEEDS / "link_levels.csv")
    shipped = read_bands(SEEDS / "link_bands.csv")
    every = built(given, levels, folder)
    weights = bases(every, levels) if arguments.left_out else [levels] * len(every)
    for number, (pairs, own) in enumerate(zip(every, weights, strict=True)):
        bands = shipped
        if arguments.left_out:
            others = [other for place, other in enumerate(every) if place != number]
            found = [best(other, own) for other in others]
            measured = link_bands(others, found, found)
            tiers = {tier for tier, *_ in measured}
            # A tier that no other set has links of keeps what it has.
            bands = sorted([*measured, *(band for band in shipped if band[0] not in tiers)])
        print(f"\n{pairs.name}, {arguments.draws} judges (least: points of F1):", flush=True)
        print(table(HEADER_OF_MANY, judged_by_many(pairs, own, bands, arguments.draws)), flush=True)
    return DONE


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """Judge all sets, and print a table for each.

    Raises:
        InputError: a set cannot be read.
        ProgramError: dbt failed.
    """
    levels = read_levels(SEEDS / "link_levels.csv")
    given = sets.parsed(arguments.sets) if arguments.sets else []
    generated = folder / "generated.duckdb"
    generate(
        generated, generated.with_suffix(".truth.csv"),
        contacts=arguments.size, companies=arguments.size, seed=arguments.seed,
    )  # fmt: skip
    given += sets.parsed(str(generated))
    if arguments.left_out and len(given) == 1:
        msg = "SETS: name another set, from which weights for the generated one can come"
        raise InputError(msg)
    if arguments.draws:
        return many(given, arguments, folder)
    base: list[Sequence[Level]] = [levels] * len(given)
    if arguments.left_out:
        base = bases(built(given, levels, folder), levels)
    broken = []
    for one, weights in zip(given, base, strict=True):
        bench = Bench(one, weights, folder / one.name)
        print(f"\n{one.name}: {len(bench.queue)} questions in the queue", flush=True)
        print(table(HEADER, judge(bench, arguments.seed)), flush=True)
        asked = bench.asked(JUDGEMENTS[0], "chosen", arguments.seed)
        found = bench.check(Judge(bench.truth, arguments.seed, 0).decisions(asked))
        broken += [f"{one.name}: {text}" for text in found]
    for text in broken:
        print(text, file=sys.stderr)
    if not broken:
        print("\nOn each set the same decisions made the same links, and one that was taken back")
        print("left nothing.")
    return FAILED if broken else DONE


def main(given: Sequence[str] | None = None) -> int:
    """Judge from the command line: 0 done, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.judges", description=__doc__)
    parser.add_argument("--sets", default="", metavar="SETS", help="sets with their truth")
    parser.add_argument("--seed", type=int, default=1, help="of generated data and of the judges")
    parser.add_argument("--size", type=int, default=GENERATED, help="contacts of generated data")
    parser.add_argument("--draws", type=int, default=0, help="so many judges, in memory")
    parser.add_argument("--left-out", action="store_true", help="with the weights of other sets")
    arguments = parser.parse_args(given)
    return run_in_folder(lambda folder: run(arguments, folder), "judges-")


if __name__ == "__main__":
    sys.exit(main())
