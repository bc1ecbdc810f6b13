"""The DuckDB file, as it is before and after a step: who holds it, and what is in it."""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Callable

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
        duckdb.connect(database, config=ONLY_WHAT_IS_HERE).close()
    except duckdb.Error as error:
        found = _HOLDER.search(str(error))
        if found:
            return f"process {found[2]} ({found[1]})"
    return "another program"


def tables(database: str, schema: str) -> list[Table] | None:
    """Return the raw tables of a source; None where the file cannot be read now.

    No file, and one without the schema, has none.
    """
    path = Path(database).expanduser()
    if is_file(database) and not path.is_file():
        return []
    try:
        with closing(
            duckdb.connect(str(path), read_only=True, config=ONLY_WHAT_IS_HERE)
        ) as connection:
            found = connection.execute(_TABLES, [schema]).fetchall()
            return [_table(connection, schema, name, columns) for name, columns in found]
    except duckdb.Error:
        return None


def _table(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, columns: list[str]
) -> Table:
    received = "epoch_us(max(_sdc_received_at))" if "_sdc_received_at" in columns else "null"
    live = "where _sdc_deleted_at is null" if "_sdc_deleted_at" in columns else ""
    quoted = f'"{schema}"."' + name.replace('"', '""') + '"'
    counted = connection.execute(
        f"select (select count(*) from {quoted} {live}), (select {received} from {quoted})"  # noqa: S608
    ).fetchone()
    assert counted is not None  # noqa: S101 - an aggregate has a row
    return Table(name, counted[0], counted[1])
