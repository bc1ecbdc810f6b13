"""What is evaluated: raw tables as the taps load them, and the links known to be right."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from target_duckdb.names import NO_HIVE, literal, quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

REQUIRED = (("kananas", "contacts"), ("kizen", "companies"))
OPTIONAL = (("kizen", "companies_company"), ("kizen", "client_client"), ("kizen", "clients"))
PEOPLE = ("kizen", "client_client")
TRUTH_COLUMNS = ("contact_id", "company_id")
TRUTH_PEOPLE_COLUMNS = ("contact_id", "kizen_contact_id")
# Read by these names alone, beside those of the map.
COMPANY_COLUMNS = (
    "id", "company_id", "addresses", "tags", "domains", "custom_fields", "created", "updated",
)  # fmt: skip
SOURCE, COPY = "source_of_evaluation", "copy_for_evaluation"
TAKEN = {"memory", "system", "temp", COPY}


class People(NamedTuple):
    """People to generate: where to write who they are, and how many families to add."""

    truth: Path
    households: float


class InputError(Exception):
    """What was given cannot be evaluated; the message names the setting to change."""


def check_output(name: str, path: Path, given: Mapping[str, str | None]) -> None:
    """Make sure that a file can be written to, and that it is none of those given to be read.

    Raises:
        InputError: it cannot, or it is one.
    """
    for other, source in given.items():
        if source and path.exists() and Path(source).exists() and path.samefile(source):
            msg = f"{name}={path} is the file of {other}, which is only read"
            raise InputError(msg)
    if path.is_dir() or not path.parent.is_dir():
        what = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        msg = f"{name}={path} cannot be written: {what}"
        raise InputError(msg)


def copy_raw_tables(source: Path, warehouse: Path) -> None:
    """Copy the raw tables of a DuckDB file, which is only read, into a new one.

    Raises:
        InputError: the file cannot be opened, or a table is missing or cannot be read.
    """
    if not source.is_file():
        msg = f"DB={source}: there is no such file"
        raise InputError(msg)
    # Views remember the name of the file they were made in: it is attached under that name.
    name = SOURCE if source.stem.lower() in TAKEN else source.stem
    with duckdb.connect() as connection:
        try:
            connection.execute(f"attach {literal(str(source))} as {quote(name)} (read_only)")
        except duckdb.Error as error:
            msg = f"DB={source} cannot be opened: {_said(error)}"
            raise InputError(msg) from error
        present = {
            (schema, table)
            for schema, table in connection.execute(
                "select lower(table_schema), lower(table_name) from information_schema.tables"
                " where table_catalog = ?",
                [name],
            ).fetchall()
        }
        missing = [".".join(table) for table in REQUIRED if table not in present]
        if missing and ("kizen", "companies_company") not in present:
            found = ", ".join(sorted(".".join(table) for table in present)) or "no table"
            msg = f"DB={source} has no {' and no '.join(missing)}; it has {found}"
            raise InputError(msg)
        connection.execute(f"attach {literal(str(warehouse))} as {COPY}")
        for schema, table in (*REQUIRED, *OPTIONAL):
            if (schema, table) in present:
                path = f"{schema}.{table}"
                connection.execute(f"create schema if not exists {COPY}.{schema}")
                try:
                    connection.execute(f"create table {COPY}.{path} as from {quote(name)}.{path}")
                except duckdb.Error as error:
                    msg = f"DB={source}: {path} cannot be read: {_said(error)}"
                    raise InputError(msg) from error


def unread_company_columns(
    connection: duckdb.DuckDBPyConnection, company_columns: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, list[str]]]:
    """Yield each table of companies with the columns of it that mean nothing to the models."""
    given = [name for names in company_columns.values() for name in names]
    read = {_column_key(name.partition(".")[0]) for name in [*given, *COMPANY_COLUMNS]}
    tables = connection.execute(
        "select table_name, list(column_name order by column_index) from duckdb_columns()"
        " where schema_name = 'kizen' and table_name in ('companies', 'companies_company')"
        " and not starts_with(column_name, '_sdc_') group by table_name order by table_name"
    ).fetchall()
    for table, columns in tables:
        unread = [name for name in columns if _column_key(name) not in read]
        if unread:
            yield f"kizen.{table}", unread


def _column_key(name: str) -> str:
    """Return what two spellings of one column name share, as the models compare them."""
    plain = unicodedata.normalize("NFD", name.lower())
    return re.sub("[^a-z0-9]", "", plain)


def generate(  # noqa: PLR0913 - each of them is a setting
    warehouse: Path,
    truth: Path,
    *,
    contacts: int,
    companies: int,
    seed: int,
    people: People | None = None,
) -> None:
    """Fill a new DuckDB file with the sandbox's data, and a CSV file with its truth.

    With `people`, those of the CRM too, and the truth of contacts whose company only these tell.

    Raises:
        InputError: the sandbox refuses the numbers.
    """
    with tempfile.TemporaryDirectory(prefix="generated-") as folder:
        # Port 0 is any free one: a sandbox that is running elsewhere is no obstacle.
        command = [sys.executable, "-m", "sandbox.cli", "--generate-only", folder, "--port", "0"]
        command += ["--contacts", str(contacts), "--companies", str(companies)]
        command += [
            "--seed",
            str(seed),
            "--share-household",
            str(people.households if people else 0),
        ]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise InputError(run.stderr.strip())
        with duckdb.connect(warehouse) as connection:
            for schema, table in (*REQUIRED, *((PEOPLE,) if people else ())):
                connection.execute(f"create schema if not exists {schema}")
                _load(connection, Path(folder, f"{table}.jsonl"), f"{schema}.{table}")
        links = Path(folder, "truth.csv").read_text(encoding="utf-8")
        if people:
            people.truth.write_bytes(Path(folder, "truth_people.csv").read_bytes())
            _, _, more = Path(folder, "truth_employers.csv").read_text("utf-8").partition("\n")
            links += more
        truth.write_text(links, encoding="utf-8")


def _load(connection: duckdb.DuckDBPyConnection, lines: Path, table: str) -> None:
    """Make a table of a file of JSON objects: what is nested as JSON, all else as text."""
    rows = connection.read_json(
        str(lines), maximum_depth=1, sample_size=-1, hive_partitioning=False
    )
    asked = [
        f"bool_or(json_type({quote(column)}) in ('OBJECT', 'ARRAY'))" for column in rows.columns
    ]
    nested = rows.aggregate(", ".join(asked)).fetchone()
    assert nested is not None  # noqa: S101 (an aggregate has one row)
    values = [
        quote(column) if is_nested else f"{quote(column)} ->> '$' as {quote(column)}"
        for column, is_nested in zip(rows.columns, nested, strict=True)
    ]
    rows.project(", ".join(values)).create(table)


def load_truth(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    columns: Sequence[str] = TRUTH_COLUMNS,
    setting: str = "TRUTH",
) -> None:
    """Make the table `truth` (contact_id, company_id: text, no duplicates) from a CSV file.

    Other columns and the setting that names the file go with another truth.

    Raises:
        InputError: the file cannot be read, has other columns, or has no row.
    """
    # The whole file is looked at: what is odd in its last line is told as that in its first.
    options = f"header=true, all_varchar=true, sample_size=-1, {NO_HIVE}"
    if not path.exists() or path.is_dir():
        msg = f"{setting}={path} cannot be read: there is no such file"
        raise InputError(msg)
    with tempfile.TemporaryDirectory(prefix="truth-") as folder:
        # DuckDB takes some names for patterns, and reads what it finds by these.
        plain = Path(folder, "truth.csv")
        plain.symlink_to(path.absolute())
        try:
            rows = connection.sql(f"from read_csv({literal(str(plain))}, {options})")
            if not set(columns) <= set(map(str.lower, rows.columns)):
                found = ", ".join(rows.columns)
                msg = f"{setting}={path} has the columns {found}; it needs {', '.join(columns)}"
                raise InputError(msg)
            connection.execute(
                "create temp table truth as select distinct "
                + ", ".join(f"trim({column}) as {column}" for column in columns)
                + " from rows where "
                + " and ".join(f"{column} <> ''" for column in columns)
            )
        except duckdb.Error as error:
            said = _said(error).replace(str(plain), str(path))
            msg = f"{setting}={path} cannot be read: {said}"
            raise InputError(msg) from error
    if connection.execute("select count(*) from truth").fetchone() == (0,):
        msg = f"{setting}={path} has no row"
        raise InputError(msg)


def _said(error: duckdb.Error) -> str:
    """Return what DuckDB says in one line, without the row it quotes and what it advises."""
    lines = [line.strip() for line in str(error).split("Possible")[0].splitlines()]
    kept = [line for line in lines if line and not line.startswith("Original Line")]
    return "; ".join(kept[:2])
