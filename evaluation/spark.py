"""Build the links on DuckDB and on Spark over the same raw rows, and compare them: `make spark`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from evaluation.building import ROOT, database, dbt, variables
from evaluation.inputs import InputError, People, copy_raw_tables, generate
from evaluation.processes import ProgramError, progress
from evaluation.spark_cluster import HOST, cluster
from evaluation.spark_plans import findings, plans
from refresh import spark_build
from target_duckdb.names import NO_HIVE, literal, quote
from target_duckdb.parquet.cli import main as parquet_publish
from tools.demo.report import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evaluation.processes import Usage

SAME, DIFFERENT, WRONG_USAGE = 0, 1, 2

ENVIRONMENT = ROOT / ".venv-spark" / "bin"
OUTPUT = ROOT / "output" / "spark"

DIFFERENCES = """
select 'DuckDB' as engine, * from (from ours except from theirs)
union all
select 'Spark' as engine, * from (from theirs except from ours)
order by all
"""

# Both engines build all of this. Unit tests are of DuckDB's SQL, and snapshots need a table format
# that Spark does not bring.
BUILD = ("build", "--exclude-resource-type", "unit_test", "snapshot")
# The snapshots with their tests, and what rests on them.
DUCKDB_ONLY = (
    "contact_company_link_history", "contact_person_link_history", "link_changes",
    "person_link_changes", "int_builds__last",
)  # fmt: skip

# Columns that tell when a build was made, and types as each engine calls them.
NOT_COMPARED = {
    ("contact_mapping_report", "raw_type"),
    ("crm_mapping_report", "raw_type"),
}
HOUSEHOLDS = 0.05


def publish(warehouse: Path, place: Path) -> None:
    """Publish the raw tables of a DuckDB file as open files.

    Raises:
        ProgramError: It failed; it has said why.
    """
    arguments = [str(warehouse), str(place), "--schemas", "kananas,kizen"]
    if parquet_publish(arguments):
        msg = f"{warehouse} could not be published to {place}"
        raise ProgramError(msg)


def java_home(folder: Path) -> str:
    """Return the home of a Java for Spark's environment, as a build on Spark finds it.

    Raises:
        ProgramError: There is none.
    """
    try:
        return spark_build.java_home(ENVIRONMENT / "python", folder / "java", os.environ)
    except spark_build.SparkBuildError as error:
        raise ProgramError(str(error)) from None


def build_on_spark(
    place: Path, folder: Path, values: dict[str, Any], environment: Mapping[str, str]
) -> Usage:
    """Build the whole project on Spark, and test it.

    Args:
        place: Where the raw tables are published.
        folder: What is built goes to its `warehouse`, what Spark did to its `events`.
        values: Variables of dbt.
        environment: More variables of the environment, such as SPARK_MASTER.

    Raises:
        ProgramError: dbt failed.
    """
    events = folder / "events"
    events.mkdir(parents=True)
    return dbt(
        [*BUILD, "--target", "spark"],
        folder,
        executable=ENVIRONMENT / "dbt",
        environment={
            "PARQUET_URL": str(place),
            "SPARK_WAREHOUSE": str(folder / "warehouse"),
            "SPARK_EVENTS": events.as_uri(),
            **environment,
        },
        values=values,
    )


def compare(warehouse: Path, folder: Path) -> int:
    """Print how many rows of each mart agree, and those that do not.

    Args:
        warehouse: What DuckDB built.
        folder: The folder with the marts that Spark built, a folder of Parquet files each.
    """
    found = SAME
    counts: list[tuple[object, ...]] = []
    with duckdb.connect(warehouse, read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        marts = connection.execute(
            "select table_name from information_schema.tables"
            " where table_schema = 'marts' order by 1"
        ).fetchall()
        for (mart,) in marts:
            compared = [
                (name, type_)
                for name, type_, *_ in connection.execute(f"describe marts.{mart}").fetchall()
                if (mart, name) not in NOT_COMPARED
            ]
            ours = ", ".join(quote(name) for name, _ in compared)
            theirs = ", ".join(
                f"{quote(name)}::{type_} as {quote(name)}" for name, type_ in compared
            )
            files = ", ".join(literal(str(file)) for file in (folder / mart).glob("*.parquet"))
            connection.execute(
                f"create or replace temp view ours as select {ours} from marts.{mart}"
            )
            connection.execute(
                "create or replace temp view theirs as"
                f" select {theirs} from read_parquet([{files}], {NO_HIVE})"
            )
            sizes = connection.execute(
                "select (select count(*) from ours), (select count(*) from theirs)"
            ).fetchone() or (0, 0)
            result = connection.execute(DIFFERENCES)
            names = [column[0] for column in result.description]
            rows = result.fetchall()
            counts.append((mart, len(compared), *sizes, len(rows)))
            if rows or sizes[0] != sizes[1]:
                found = DIFFERENT
                print(f"\n{mart}: {len(rows):,} rows differ:")
                print(table(names, rows[:20]))
    print(table(["mart", "columns", "DuckDB", "Spark", "differ"], counts))
    if found == SAME:
        print("\nEvery row is the same, column for column.")
    return found


def tell_plans(events: Path) -> int:
    """Print what one node of a cluster would do alone.

    Raises:
        ProgramError: Spark has left no plan to look at.
    """
    count = sum(1 for _ in plans(events))
    if count == 0:
        msg = f"there is no plan in {events}: Spark has written no event log"
        raise ProgramError(msg)
    found = findings(events)
    for each in found:
        print(f"{each.relation}: {each.operation}")
    if not found:
        print(f"Of {count} plans, none has a step of one node that grows with the data.")
    return DIFFERENT if found else SAME


def run(arguments: argparse.Namespace) -> int:
    """Build on both engines and compare.

    Raises:
        InputError: what was given cannot be built.
        ProgramError: a program failed.
    """
    values = variables(arguments.vars)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="engines-") as name, ExitStack() as stack:
        folder = Path(name)
        warehouse = folder / "warehouse.duckdb"
        if arguments.db:
            copy_raw_tables(Path(arguments.db), warehouse)
        else:
            generate(
                warehouse, folder / "truth.csv",
                contacts=arguments.contacts, companies=arguments.companies, seed=arguments.seed,
                people=People(folder / "truth_people.csv", HOUSEHOLDS),
            )  # fmt: skip
        publish(warehouse, OUTPUT / "published")
        progress("building on DuckDB")
        on_duckdb = dbt(
            [*BUILD, "--exclude", *DUCKDB_ONLY], folder,
            environment=database(warehouse, folder), values=values,
        )  # fmt: skip
        print(f"DuckDB: {on_duckdb}", flush=True)
        java = java_home(folder)
        environment = {"JAVA_HOME": java}
        if arguments.cluster:
            progress("starting a master and two workers")
            master = stack.enter_context(cluster(ENVIRONMENT.parent, OUTPUT / "cluster", java))
            environment["SPARK_MASTER"] = master
            environment["SPARK_LOCAL_IP"] = HOST
        progress("building on Spark")
        on_spark = build_on_spark(OUTPUT / "published", OUTPUT, values, environment)
        # Java is a process of its own, whose memory nobody counts here.
        print(
            f"Spark: {on_spark.seconds:.1f} s, {on_spark.seconds / on_duckdb.seconds:.1f} times as"
            f" long; the machine's load is {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        same = compare(warehouse, OUTPUT / "warehouse" / "marts.db")
        return max(same, tell_plans(OUTPUT / "events"))


def main() -> int:
    """Compare the engines from the command line."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.spark", description=__doc__)
    parser.add_argument(
        "--cluster", action="store_true", help="on a cluster of its own: a master and two workers"
    )
    parser.add_argument("--db", metavar="DB", help="a DuckDB file with the raw tables; only read")
    parser.add_argument("--vars", default="", metavar="VARS", help="dbt variables, as JSON or YAML")
    parser.add_argument("--seed", type=int, default=1, help="of generated data")
    parser.add_argument("--contacts", type=int, default=2_000, help="how many to generate")
    parser.add_argument("--companies", type=int, default=2_000, help="how many to generate")
    try:
        return run(parser.parse_args())
    except InputError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    except ProgramError as error:
        print(error, file=sys.stderr)
        return DIFFERENT


if __name__ == "__main__":
    sys.exit(main())
