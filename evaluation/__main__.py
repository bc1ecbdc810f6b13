"""Build the links of a DuckDB file and score them against a truth: `make evaluate`."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from demo.report import fit_any_terminal
from evaluation import report
from evaluation.building import build_links, model_seconds, project_variables, variables
from evaluation.floor import Floor, Result
from evaluation.inputs import InputError, check_output, copy_raw_tables, generate, load_truth
from evaluation.processes import ProgramError

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, WRONG_USAGE = 0, 1, 2


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
        print(
            f"Generated data: SEED={seed} CONTACTS={arguments.contacts}"
            f" COMPANIES={arguments.companies}",
            flush=True,
        )
        generate(
            warehouse, truth,
            contacts=arguments.contacts, companies=arguments.companies, seed=seed,
        )  # fmt: skip
    with duckdb.connect(warehouse) as connection:
        load_truth(connection, truth)
    usage = build_links(warehouse, folder, values)
    with duckdb.connect(warehouse, read_only=True) as connection:
        connection.execute(f"set temp_directory = '{folder}'")
        load_truth(connection, truth)
        report.inputs(connection, (project_variables() | values)["company_columns"])
        result = Result.measured(connection)
        report.quality(connection, result)
        report.baselines(connection, result, folder / "splink" if arguments.splink else None)
        print(f"\nLinks built in {usage}; {model_seconds(folder):.1f} s of it in the models")
        if arguments.links:
            report.write_links(connection, Path(arguments.links))
    if arguments.keep:
        shutil.copyfile(warehouse, arguments.keep)
        print(f"The built DuckDB file: {arguments.keep}")
    below = floor.below(result)
    for line in below:
        print(f"Below the floor: {line}", file=sys.stderr)
    print(result, flush=True)
    return FAILED if below else DONE


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
    parser.add_argument("--contacts", type=int, default=20_000, help="how many to generate")
    parser.add_argument("--companies", type=int, default=20_000, help="how many to generate")
    arguments = parser.parse_args(given)
    fit_any_terminal()
    try:
        with tempfile.TemporaryDirectory(prefix="evaluation-") as folder:
            return evaluate(arguments, Path(folder))
    except InputError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    except (ProgramError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
