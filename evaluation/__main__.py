"""Build the links of a DuckDB file and score them against a truth: `make evaluate`."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from evaluation import misses, report, sets
from evaluation.audit import SELECTION, Built, files, proven
from evaluation.baselines import CANDIDATES
from evaluation.building import build_links, model_seconds, project_variables, variables
from evaluation.command import DONE, FAILED, run_in_folder
from evaluation.floor import Floor, Result
from evaluation.inputs import (
    InputError,
    People,
    check_output,
    copy_raw_tables,
    generate,
    load_truth,
)
from evaluation.processes import progress
from evaluation.scores import candidates

if TYPE_CHECKING:
    from collections.abc import Sequence

GENERATED = 20_000
# Settings that say nothing where several sets are evaluated.
ALONE = ("db", "truth", "links", "keep", "seed", "contacts", "companies")


def evaluate(arguments: argparse.Namespace, folder: Path) -> int:
    """Build, print the scores, and say whether they are above the floor.

    Raises:
        InputError: what was given cannot be evaluated.
        ProgramError: dbt or Splink failed.
    """
    floor = Floor.parsed(arguments.floor)
    values = variables(arguments.vars)
    warehouse, truth = folder / "warehouse.duckdb", folder / "truth.csv"
    for name, path in (("LINKS", arguments.links), ("KEEP", arguments.keep)):
        if path:
            check_output(name, Path(path), {"DB": arguments.db, "TRUTH": arguments.truth})
    if arguments.db:
        if not arguments.truth:
            msg = "TRUTH is missing: a CSV file with the columns contact_id, company_id"
            raise InputError(msg)
        truth = Path(arguments.truth)
        copy_raw_tables(Path(arguments.db), warehouse)
    elif arguments.truth:
        msg = "DB is missing: the DuckDB file whose links TRUTH tells"
        raise InputError(msg)
    else:
        seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed  # noqa: S311
        contacts, companies = (
            GENERATED if count is None else count
            for count in (arguments.contacts, arguments.companies)
        )
        print(f"Generated data: SEED={seed} CONTACTS={contacts} COMPANIES={companies}", flush=True)
        people = People(folder / "truth_people.csv", 0) if arguments.people else None
        generate(warehouse, truth, contacts=contacts, companies=companies, seed=seed, people=people)
    with duckdb.connect(warehouse) as connection:
        load_truth(connection, truth)
    progress("dbt builds the links")
    usage = build_links(warehouse, folder, values, SELECTION, environment=files(folder))
    with duckdb.connect(warehouse, read_only=True) as connection:
        connection.execute(f"set temp_directory = '{folder}'")
        load_truth(connection, truth)
        report.inputs(connection, (project_variables() | values)["company_columns"])
        result = Result.measured(connection)
        report.quality(connection, result)
        report.kinds_of_miss(connection, examples=arguments.examples)
        report.baselines(connection, result, folder / "splink" if arguments.splink else None)
        print(f"\nLinks built in {usage}; {model_seconds(folder):.1f} s of it in the models")
        if arguments.links:
            report.write_links(connection, Path(arguments.links))
    if arguments.keep:
        shutil.copyfile(warehouse, arguments.keep)
        print(f"The built DuckDB file: {arguments.keep}")
    proven(Built(folder, truth))
    below = floor.below(result)
    for line in below:
        print(f"Below the floor: {line}", file=sys.stderr)
    print(result, flush=True)
    return FAILED if below else DONE


def evaluate_sets(arguments: argparse.Namespace, folder: Path) -> int:
    """Build each set, print one table, and say whether all are above the floor that is given.

    Raises:
        InputError: what was given cannot be evaluated.
        ProgramError: dbt or Splink failed.
    """
    for name in ALONE:
        if getattr(arguments, name) is not None:
            msg = f"{name.upper()} is of one set: leave it out, or SETS"
            raise InputError(msg)
    floor = Floor.parsed(arguments.floor, Floor.none())
    values = variables(arguments.vars)
    measured, below = [], []
    given = sets.parsed(arguments.sets)
    for number, one in enumerate(given, start=1):
        progress(f"{one.name}: set {number} of {len(given)}, dbt builds the links")
        own = folder / str(number)
        own.mkdir()
        found = _measure(one, own, values, splink=arguments.splink)
        measured.append(found)
        below += [f"{one.name}: {line}" for line in floor.below(found.result)]
    print()
    print(sets.summary(measured))
    print()
    print(sets.kinds_of_miss(measured))
    for line in below:
        print(f"Below the floor: {line}", file=sys.stderr)
    return FAILED if below else DONE


def _measure(one: sets.Set, folder: Path, values: dict[str, Any], *, splink: bool) -> sets.Measured:
    warehouse = folder / "warehouse.duckdb"
    try:
        copy_raw_tables(one.database, warehouse)
        with duckdb.connect(warehouse) as connection:
            load_truth(connection, one.truth)
        build_links(warehouse, folder, values)
        with duckdb.connect(warehouse, read_only=True) as connection:
            connection.execute(f"set temp_directory = '{folder}'")
            load_truth(connection, one.truth)
            report.check_ids(connection)
            peers, _ = report.peers(connection, folder / "splink" if splink else None)
            return sets.Measured(
                one.name, Result.measured(connection), candidates(connection, CANDIDATES),
                peers, misses.missed(connection),
            )  # fmt: skip
    except InputError as error:
        msg = f"SETS: {one.name}: {error}"
        raise InputError(msg) from error
    finally:
        warehouse.unlink(missing_ok=True)


def main(given: Sequence[str] | None = None) -> int:
    """Evaluate from the command line: 0 done, 1 failed or below the floor, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    parser.add_argument("--db", metavar="DB", help="a DuckDB file with the raw tables; only read")
    parser.add_argument("--truth", metavar="TRUTH", help="a CSV file: contact_id, company_id")
    parser.add_argument("--vars", default="", metavar="VARS", help="dbt variables, as JSON or YAML")
    parser.add_argument("--links", metavar="LINKS", help="a CSV file to write the links to")
    parser.add_argument(
        "--keep", metavar="KEEP", help="where to keep the DuckDB file that was built"
    )
    parser.add_argument("--floor", default="", metavar="FLOOR", help="such as 'F1=0.98 recall=0.9'")
    parser.add_argument("--no-splink", dest="splink", action="store_false", help="leave Splink out")
    parser.add_argument("--seed", type=int, help="of generated data; otherwise a new one each time")
    parser.add_argument("--contacts", type=int, help="how many to generate")
    parser.add_argument("--companies", type=int, help="how many to generate")
    parser.add_argument("--people", action="store_true", help="generate the people of the CRM, too")
    parser.add_argument("--sets", metavar="SETS", help="folders, or NAME of NAME.duckdb")
    parser.add_argument("--examples", action="store_true", help="print names of kinds of miss")
    arguments = parser.parse_args(given)
    run = evaluate if arguments.sets is None else evaluate_sets
    return run_in_folder(lambda folder: run(arguments, folder), "evaluation-")


if __name__ == "__main__":
    sys.exit(main())
