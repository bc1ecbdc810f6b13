"""Judge samples of links whose truth is known, and see whether what they prove is true.

`make check-audit`: over each set it draws many samples, has each judged by somebody who knows the
truth, and asks how often the true share lies in the interval of `marts.link_quality`, and how far
the confidence of the links is off before and after the bands follow the sample. The samples, the
files and the SQL are those of the product.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from console.audit.drawing import Plan, draw, links
from console.audit.sample import SamplesFile
from console.decisions.decision import Decision, now
from console.decisions.file import DecisionsFile
from console.published import Published
from evaluation import sets
from evaluation.building import LINKS, PROJECT, build_links, variables
from evaluation.command import DONE, FAILED, run_in_folder
from evaluation.inputs import InputError, copy_raw_tables, generate, load_truth
from evaluation.processes import progress
from tools.demo.report import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from console.audit.sample import Drawn

GENERATED = 2000
COVERED = 0.93
"""In so many of the draws the truth has to lie in the interval."""
ROUNDED = 1e-6
"""How far the bounds may be from themselves: they have six decimals."""

#: What follows from the two files, in the order in which dbt builds it.
MODELS = {
    "int_decisions__file": "intermediate",
    "int_link_overrides__checked": "intermediate",
    "int_samples__drawn": "intermediate",
    "int_samples__judged": "intermediate",
    "int_samples__counted": "intermediate",
    "int_samples__bounds": "intermediate",
    "int_links__bands": "intermediate",
    "link_quality": "marts",
}

#: Links of like confidence are compared with their share of right ones.
CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99)

Scope = tuple[str, str]
Figures = tuple[int, "float | None", "float | None", "float | None"]

WAREHOUSE = "warehouse.duckdb"
SELECTION = (*LINKS, "+link_quality")

_TRUE_SHARES = """
with known as (
    select decided.*, truth.company_id as true_id, decided.company_id = truth.company_id as is_right
    from intermediate.int_links__decided as decided
    left join there as truth using (contact_id)
)
select 'precision', status, count(*) filter (is_right) / count(*)
from known where status <> 'none' group by status
union all
select 'precision', status || ': ' || tier, count(*) filter (is_right) / count(*)
from known where status = 'auto' group by status, tier
union all
select 'recall', 'auto and review', count(*) filter (is_right) / count(true_id) from known
union all
select 'recall', 'auto', count(*) filter (is_right and status = 'auto') / count(true_id) from known
"""

_PROPOSED = """
select tiers.tier, max(bands.lower_bound), any_value(decided.company_id = truth.company_id) is true
from intermediate.int_links__decided as decided
inner join intermediate.int_links__tiers as tiers using (contact_id)
inner join intermediate.int_links__bands as bands
    on tiers.tier = bands.tier and tiers.lead >= bands.lower_bound
left join there as truth using (contact_id)
where decided.status <> 'none'
group by decided.contact_id, tiers.tier
"""


def _decisions(folder: Path) -> Path:
    return folder / "kept" / "decisions.jsonl"


def files(folder: Path) -> dict[str, str]:
    """Make a decisions file and one of samples in a folder; return what names them to dbt.

    The models read them, so they have to be there when dbt writes down the SQL.
    """
    path = _decisions(folder)
    path.parent.mkdir()
    for each in (path, SamplesFile(path).path):
        each.touch(mode=0o600)
    return {"DUCKDB_DECISIONS_PATH": str(path)}


def project_with(seeds: Path, folder: Path) -> Path:
    """Return a copy of the dbt project with the weights and bands that `make fit` wrote."""
    project = folder / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    for name in ("link_levels.csv", "link_bands.csv"):
        shutil.copyfile(seeds / name, project / "seeds" / name)
    return project


class Built:
    """Links that are built in a folder, over which samples are drawn, judged, and counted."""

    def __init__(self, folder: Path, truth: Path) -> None:
        """Take a folder in which `build_links` has built `SELECTION` with `files` of its own."""
        self.decisions = DecisionsFile(_decisions(folder))
        self.samples = SamplesFile(self.decisions.path)
        compiled = folder / "target" / "compiled"
        self._models = {
            f"{schema}.{name}": next(compiled.rglob(f"{name}.sql")).read_text(encoding="utf-8")
            for name, schema in MODELS.items()
        }
        self.links = links(Published(folder / WAREHOUSE))
        self.connection = duckdb.connect(folder / WAREHOUSE)
        load_truth(self.connection, truth)
        # Who judges cannot name a company that the CRM has not.
        self.connection.execute(
            "create temp table there as select truth.* from truth"
            " semi join staging.stg_kizen__companies using (company_id)"
        )
        self.truth: dict[str, str] = dict(
            self.connection.execute("select contact_id, company_id from there").fetchall()
        )
        self.companies: list[str] = [
            row[0]
            for row in self.connection.execute(
                "select company_id from staging.stg_kizen__companies order by all"
            ).fetchall()
        ]
        self.true_shares: dict[Scope, float] = {
            (measure, scope): share
            for measure, scope, share in self.connection.execute(_TRUE_SHARES).fetchall()
        }
        self.proposed: dict[str, int] = dict(
            self.connection.execute(
                "select status, count(*) from intermediate.int_links__decided group by status"
            ).fetchall()
        )
        proposed = self.connection.execute(_PROPOSED).fetchall()
        self._bands = [(tier, bound) for tier, bound, _ in proposed]
        self.is_right = np.array([right for *_, right in proposed])

    def judge(self, drawn: Sequence[Drawn], wrong: float, chance: random.Random) -> None:
        """Keep a sample and the answers to it, in files, and bring both into the tables."""
        for path in (self.decisions.path, self.samples.path):
            path.write_bytes(b"")
        self.samples.append(drawn)
        self.decisions.append(
            decision
            for number, each in enumerate(drawn)
            for decision in self._answer(number, each, is_wrong=chance.random() < wrong)
        )
        for name, query in self._models.items():
            self.connection.execute(f"create or replace table {name} as {query}")

    def _answer(self, number: int, drawn: Drawn, *, is_wrong: bool) -> Iterator[Decision]:
        company = self.truth.get(drawn.contact_id)
        if is_wrong:
            others = [drawn.company_id, None, self.companies[number % len(self.companies)]]
            company = next(each for each in others if each != company)
        said: list[tuple[Any, str | None]] = [("force", company)]
        if company is None:
            said = [("none", None)]
            if drawn.company_id:
                said.append(("forbid", drawn.company_id))
        for verdict, other in said:
            yield Decision(
                id=f"{number}{verdict}", kind="company_link", decision=verdict, company_id=other,
                contact_id=drawn.contact_id, sample=drawn.id, decided_at=now(),
            )  # fmt: skip

    def quality(self) -> dict[Scope, Figures]:
        """Return how many were judged, the estimate and its bounds, by measure and scope."""
        rows = self.connection.execute(
            "select measure, scope, judged_count, estimate, lower_bound, upper_bound"
            " from marts.link_quality order by measure, contact_count desc, scope"
        ).fetchall()
        return {(measure, scope): tuple(figures) for measure, scope, *figures in rows}

    def calibration(self, column: str) -> float:
        """Return how far confidence is from the share of right links, on average (ECE)."""
        bands = {
            (tier, bound): float(confidence)
            for tier, bound, confidence in self.connection.execute(
                f"select tier, lower_bound, {column} from intermediate.int_links__bands"
            ).fetchall()
        }
        confidences = np.array([bands[each] for each in self._bands])
        groups = np.digitize(confidences, CONFIDENCES)
        off = [
            abs(float((confidences - self.is_right)[groups == group].sum()))
            for group in np.unique(groups)
        ]
        return sum(off) / len(confidences)

    def floor(self, quality: Mapping[Scope, Figures]) -> float:
        """Return how far off confidence would be that knew all but the share of either status.

        Who learns from a sample alone can hardly be nearer: the shares of links and of proposals
        that are right are known from it, and nothing else is.
        """
        shares = {status: quality.get(("precision", status)) for status in ("auto", "review")}
        off = [
            abs(found[1] - self.true_shares["precision", status]) * self.proposed[status]
            for status, found in shares.items()
            if found is not None and found[1] is not None
        ]
        return sum(off) / len(self.is_right)


@dataclass
class Tally:
    """What the draws of one size have shown of one scope."""

    estimates: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)

    def add(self, true: float, estimate: float, low: float, high: float) -> None:
        """Take the interval of a draw."""
        self.estimates.append(estimate)
        self.widths.append((high - low) / 2)
        self.covered.append(low - ROUNDED <= true <= high + ROUNDED)

    @property
    def share(self) -> float:
        """The share of the draws that hold the truth."""
        return sum(self.covered) / len(self.covered)


def proven(built: Built) -> None:
    """Print what one sample of the usual size proves, judged by somebody who knows the truth."""
    drawn = draw(built.links, Plan(), "s", now())
    built.judge(drawn, 0.0, random.Random(0))  # noqa: S311 - a simulation
    print(f"\nWhat a sample of {len(drawn)} contacts proves, judged by the truth (make audit):")
    rows = [
        (
            " of ".join(scope), judged, f"{built.true_shares[scope]:.4f}", f"{estimate:.4f}",
            f"{low:.4f}", f"{high:.4f}",
        )
        for scope, (judged, estimate, low, high) in built.quality().items()
        if estimate is not None
    ]  # fmt: skip
    print(table(["share", "judged", "true", "estimate", "from", "to"], rows))


def measure(built: Built, name: str, given: argparse.Namespace) -> list[str]:
    """Print what the samples of a set show; return what is not as it should be."""
    rows: list[Sequence[object]] = []
    calibrations: list[Sequence[object]] = []
    below: list[str] = []
    for size in given.judgements:
        progress(f"{name}: {given.draws} samples of about {size}")
        tallies: dict[Scope, Tally] = defaultdict(Tally)
        counts, moved, floors = [], [], []
        for seed in range(1, given.draws + 1):
            drawn = draw(built.links, Plan(seed, judgements=size), f"s{seed}", now())
            built.judge(drawn, given.wrong, random.Random(seed))  # noqa: S311 - a simulation
            counts.append(len(drawn))
            moved.append(built.calibration("moved_confidence"))
            quality = built.quality()
            floors.append(built.floor(quality))
            for scope, (_, estimate, low, high) in quality.items():
                if estimate is None or low is None or high is None:
                    continue
                tier = scope[1].partition(": ")[2]
                tallies[scope[0], "each tier" if tier else scope[1]].add(
                    built.true_shares[scope], estimate, low, high
                )
        for scope, tally in sorted(tallies.items()):
            true = built.true_shares.get(scope)
            rows.append(
                (
                    f"{np.mean(counts):.0f}", " of ".join(scope),
                    "" if true is None else f"{true:.3f}", f"{np.mean(tally.estimates):.3f}",
                    f"{np.mean(tally.widths):.3f}", f"{100 * tally.share:.0f}",
                )
            )  # fmt: skip
            if tally.share < COVERED:
                below.append(f"{name}, {size} judgements: {' of '.join(scope)} {tally.share:.3f}")
        before = built.calibration("shipped_confidence")
        figures = (before, np.mean(moved), np.mean(floors))
        calibrations.append((f"{np.mean(counts):.0f}", *(f"{value:.4f}" for value in figures)))
    print(f"\n{name}: does the interval hold the truth?")
    heading = ["judged", "share", "true", "estimate", "half width", "holds it, of 100"]
    print(table(heading, rows))
    print(f"\n{name}: how far confidence is off, on average over the proposals:")
    print(table(["judged", "as shipped", "following", "floor"], calibrations), flush=True)
    return below


def _given_sets(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield the name of each set, a folder with its raw tables, and its truth."""
    if arguments.sets:
        for number, one in enumerate(sets.parsed(arguments.sets)):
            own = folder / str(number)
            own.mkdir()
            copy_raw_tables(one.database, own / WAREHOUSE)
            yield one.name, own, one.truth
        return
    own = folder / "generated"
    own.mkdir()
    generate(
        own / WAREHOUSE, own / "truth.csv", contacts=arguments.contacts,
        companies=arguments.companies, seed=arguments.seed,
    )  # fmt: skip
    yield f"generated, seed {arguments.seed}", own, own / "truth.csv"


def check(arguments: argparse.Namespace, folder: Path) -> int:
    """Measure each set.

    Raises:
        InputError: what was given cannot be evaluated.
        ProgramError: dbt failed.
    """
    values = variables(arguments.vars)
    seeds = Path(arguments.seeds) if arguments.seeds else None
    if seeds is not None and not (seeds / "link_bands.csv").is_file():
        msg = f"SEEDS={seeds}: there is no link_bands.csv, as `make fit OUTPUT=…` writes it"
        raise InputError(msg)
    below = []
    for name, own, truth in _given_sets(arguments, folder):
        progress(f"{name}: dbt builds the links")
        project = PROJECT if seeds is None else project_with(seeds, own)
        build_links(
            own / WAREHOUSE, own, values, SELECTION, environment=files(own), project=project
        )
        built = Built(own, truth)
        below += measure(built, name, arguments)
        built.connection.close()
    for line in below:
        print(f"Below {COVERED}: {line}", file=sys.stderr)
    return FAILED if below else DONE


def main(given: Sequence[str] | None = None) -> int:
    """Check from the command line: 0 done, 1 failed or an interval is too narrow, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.audit", description=__doc__)
    parser.add_argument("--sets", metavar="SETS", help="folders, or NAME of NAME.duckdb")
    parser.add_argument("--seed", type=int, default=1, help="of generated data")
    parser.add_argument("--contacts", type=int, default=GENERATED, help="how many to generate")
    parser.add_argument("--companies", type=int, default=GENERATED, help="how many to generate")
    parser.add_argument("--vars", default="", metavar="VARS", help="dbt variables, as JSON or YAML")
    parser.add_argument("--seeds", metavar="SEEDS", help="a folder that `make fit OUTPUT=…` wrote")
    parser.add_argument("--draws", type=int, default=100, help="how many samples of each size")
    parser.add_argument(
        "--judgements", type=int, nargs="+", default=[50, 200, 500], help="sizes of the samples"
    )
    parser.add_argument(
        "--wrong", type=float, default=0.0, help="the share of the answers that are wrong"
    )
    arguments = parser.parse_args(given)
    return run_in_folder(lambda folder: check(arguments, folder), "audit-")


if __name__ == "__main__":
    sys.exit(main())
