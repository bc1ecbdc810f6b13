"""The DuckDB file or DuckLake, as it is before and after a step: who holds it, what is in it."""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from target_duckdb import extensions
from target_duckdb.doublewrite import connected, restore
from target_duckdb.extensions import is_lake
from target_duckdb.names import literal, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_HOLDER = re.compile(r"Conflicting lock is held in (.+?)\s*\(PID (\d+)\)")
_POLL_SECONDS = 0.2
_TELL_SECONDS = 10.0
ONLY_WHAT_IS_HERE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

_TABLES = """
select table_name, list(column_name)
from duckdb_columns()
where database_name = current_database() and schema_name = ? and not starts_with(table_name, '_')
group by table_name order by table_name
"""


_LAKE = "lake"
"""Name of a lake in SQL, as the loader's `database` and dbt's target have it."""

_SCHEMA = f"""
select schema_uuid from __ducklake_metadata_{_LAKE}.ducklake_schema
where schema_name = ? and end_snapshot is null
"""  # noqa: S608 - a name of ours
_NO_LAKE = ("explicitly disabled", "does not exist")


class WarehouseError(Exception):
    """The file is missing or stays held; the message says what to do."""


@dataclass(frozen=True)
class Table:
    """A raw table.

    Attributes:
        rows: Those that the service has.
        loaded_at: When its newest row was loaded, in microseconds since 1970; None where unknown.
    """

    name: str
    rows: int
    loaded_at: int | None


@dataclass(frozen=True)
class Source:
    """What the warehouse has of a source.

    Attributes:
        tables: Its raw tables; none where there is no file, lake or schema.
        identity: What tells its schema from that of every other lake; empty for a file.
    """

    tables: list[Table]
    identity: str = ""


def is_file(database: str) -> bool:
    """Return whether it is a file that others may hold, not a service or a database in memory."""
    return bool(database) and not database.startswith(
        ("ducklake:", "md:", "motherduck:", ":memory:")
    )


def wait(database: str, seconds: float, tell: Callable[[str], None]) -> int:
    """Wait until no other program holds the file, and hold it.

    The lock is DuckDB's own. It is this process', also when another program takes its place
    (`exec`), and ends when the file is closed.

    Args:
        database: The path of the file.
        seconds: How long to wait at most.
        tell: Takes a line now and then while it waits.

    Returns:
        The descriptor that holds the file.

    Raises:
        WarehouseError: The file is missing, or is still held.
        duckdb.Error: What a killed process has left half written cannot be put back.
    """
    path = Path(database).expanduser()
    if not path.is_file():
        message = f"there is no database file {path}: run `make refresh`, which loads one"
        raise WarehouseError(message)
    started, told_at = time.monotonic(), float("-inf")
    while True:
        descriptor = _try_lock(path)
        if descriptor is not None:
            return descriptor
        who = holder(str(path))
        waited = time.monotonic() - started
        if waited >= seconds:
            message = (
                f"the database file {path} is held by {who}; waited {seconds:g} s: "
                "close it and run again"
            )
            raise WarehouseError(message)
        if time.monotonic() - told_at >= _TELL_SECONDS:
            told_at = time.monotonic()
            tell(f"Waiting for the database file, held by {who}: {waited:.0f} of {seconds:g} s")
        time.sleep(_POLL_SECONDS)


def _try_lock(path: Path) -> int | None:
    # dbt would not do it.
    restore(path)
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        message = f"cannot open the database file {path}: {error.strerror}"
        raise WarehouseError(message) from None
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def holder(database: str) -> str:
    """Return which program holds the file; DuckDB knows."""
    try:
        with connected(database, read_only=False, config=ONLY_WHAT_IS_HERE):
            pass
    except duckdb.Error as error:
        found = _HOLDER.search(str(error))
        if found:
            return f"process {found[2]} ({found[1]})"
    return "another program"


@contextmanager
def opened(
    database: str, variables: Mapping[str, str], *, is_read: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the file or lake, and use it.

    Args:
        database: Its path, as DUCKDB_PATH has it.
        variables: Those that say where a lake's files are, and how a bucket is reached.
        is_read: Whether it is only read.

    Raises:
        duckdb.Error: It cannot be opened.
        MissingError: What a lake needs is not installed, or a setting is wrong.
    """
    if not is_lake(database):
        path = str(Path(database).expanduser())
        with connected(path, read_only=is_read, config=ONLY_WHAT_IS_HERE) as connection:
            yield connection
        return
    data_path = variables.get("DUCKDB_DATA_PATH", "")
    wrong = extensions.problem(database, data_path)
    if wrong is not None:
        raise extensions.MissingError(wrong)
    with duckdb.connect(config=ONLY_WHAT_IS_HERE) as connection:
        extensions.load(connection, database, data_path, variables)
        # DuckLake cannot look up a text with a NUL, and pushed down are those of joined tables.
        connection.execute("set disabled_optimizers = 'join_filter_pushdown'")
        options = ["create_if_not_exists false", "data_inlining_row_limit 0"]
        options += ["read_only"] if is_read else []
        connection.execute(f"attach {literal(database)} as {_LAKE} ({', '.join(options)})")
        connection.execute(f"use {_LAKE}")
        yield connection


def source(database: str, schema: str, variables: Mapping[str, str]) -> Source | None:
    """Return what the warehouse has of a source; None where it cannot be read now.

    Args:
        database: Its path, as DUCKDB_PATH has it.
        schema: That of the source's tables.
        variables: As for `opened`.

    Raises:
        MissingError: What a lake needs is not installed, or a setting is wrong.
    """
    file = Path(database).expanduser() if is_file(database) else None
    if is_lake(database):
        file = extensions.catalog_file(database)
    if file is not None and not file.is_file():
        return Source([])
    try:
        with opened(database, variables, is_read=True) as connection:
            found = connection.execute(_TABLES, [schema]).fetchall()
            tables = [_table(connection, schema, name, columns) for name, columns in found]
            if not is_lake(database):
                return Source(tables)
            ((identity,),) = connection.execute(_SCHEMA, [schema]).fetchall() or [("",)]
            return Source(tables, str(identity))
    except duckdb.Error as error:
        is_missing = is_lake(database) and any(words in str(error) for words in _NO_LAKE)
        return Source([]) if is_missing else None


def _table(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, columns: list[str]
) -> Table:
    received = "epoch_us(max(_sdc_received_at))" if "_sdc_received_at" in columns else "max(null)"
    live = "where _sdc_deleted_at is null" if "_sdc_deleted_at" in columns else ""
    quoted = f"{quote(schema)}.{quote(name)}"
    counted = connection.execute(
        f"select (select count(*) from {quoted} {live}), (select {received} from {quoted})"  # noqa: S608
    ).fetchone()
    assert counted is not None  # noqa: S101 - an aggregate has a row
    return Table(name, counted[0], counted[1])
