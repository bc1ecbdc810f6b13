"""The copy of the warehouse for readers: read only, opened anew when a run replaces it."""

from __future__ import annotations

import json
import os
import threading
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from console.settings import variables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Row = dict[str, Any]

_ONLY_WHAT_IS_HERE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

_TABLES = """
select schema_name || '.' || table_name from duckdb_tables()
where database_name = current_database() and not internal
union all
select schema_name || '.' || view_name from duckdb_views()
where database_name = current_database() and not internal
"""

_COLUMNS = """
select schema_name || '.' || table_name, column_name
from duckdb_columns()
where database_name = current_database() and not internal
"""


Fault = Literal["missing", "unreadable", "other version"]


class PublishedError(Exception):
    """There is no published copy, or it cannot be read; the message says what to do."""

    def __init__(self, message: str, fault: Fault, detail: str = "") -> None:
        """Take the message, what is wrong in a word, and what the system or DuckDB says of it."""
        super().__init__(message)
        self.fault = fault
        self.detail = detail


class Published:
    """A published copy. Threads may share it: one asks at a time.

    The first question opens the copy, and all are asked of it until `refresh`.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        """Take the path of the copy, which need not exist yet.

        Args:
            path: Of the copy.
            threads: With which a query is answered; as many as there are cores by default.
        """
        self.path = path
        self._config = _ONLY_WHAT_IS_HERE | ({} if threads is None else {"threads": threads})
        self._lock = threading.RLock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._identity: tuple[int, int, int] | None = None
        self._tables: set[str] = set()
        self._columns: dict[str, set[str]] = {}

    def refresh(self) -> None:
        """Open the newest copy.

        Raises:
            PublishedError: There is none that can be read.
        """
        with self._lock:
            try:
                identity = self._newest()
            except PublishedError:
                self.close()
                raise
            if identity != self._identity:
                self._open(identity)

    def _newest(self) -> tuple[int, int, int]:
        status = None
        try:
            status = self.path.stat()
        except FileNotFoundError:
            pass
        except OSError as error:
            message = f"{self.path}: {error.strerror}"
            raise PublishedError(message, "unreadable", error.strerror or "") from error
        if status is None or not S_ISREG(status.st_mode):
            message = f"there is no published copy {self.path}: run `make refresh`, which makes it"
            raise PublishedError(message, "missing")
        return status.st_dev, status.st_ino, status.st_mtime_ns

    def _open(self, identity: tuple[int, int, int]) -> None:
        # DuckDB hands out a file that is open already: the old copy has to be closed first.
        self.close()
        try:
            self._connection = duckdb.connect(str(self.path), read_only=True, config=self._config)
            self._connection.execute("set TimeZone = 'UTC'")
            found = self._connection.execute(_TABLES).fetchall()
        except duckdb.Error as error:
            self.close()
            reason = str(error).splitlines()[0]
            message = f"the published copy {self.path} cannot be opened: {reason}"
            raise PublishedError(message, "unreadable", reason) from None
        self._tables = {table for (table,) in found}
        self._identity = identity

    def version(self) -> tuple[int, int, int]:
        """Return what tells the open copy from the one before.

        Raises:
            PublishedError: There is none that can be read.
        """
        with self._lock:
            if self._identity is None:
                self.refresh()
            assert self._identity is not None  # noqa: S101 - refresh() sets it
            return self._identity

    def close(self) -> None:
        """Close the copy; the next question opens the newest."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection, self._identity = None, None
            self._tables, self._columns = set(), {}

    @property
    def columns(self) -> dict[str, set[str]]:
        """The columns of each table and view, by `schema.table`."""
        with self._lock:
            if not self._columns:
                for table, column in self.table(_COLUMNS)[1]:
                    self._columns.setdefault(table, set()).add(column)
            return self._columns

    def has(self, *tables: str) -> bool:
        """Return whether there are such tables or views, named `schema.table`."""
        with self._lock:
            self.version()
            return self._tables >= set(tables)

    def rows(self, query: str, values: Sequence[object] = (), first: str = "") -> list[Row]:
        """Answer a query with a dictionary per row.

        Args:
            query: The query.
            values: Those of its parameters.
            first: A statement that makes the temporary table that it reads.

        Raises:
            PublishedError: There is no copy, or it was made by another version of the models.
        """
        names, rows = self.table(query, values, first)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def row(self, query: str, values: Sequence[object] = ()) -> Row:
        """Return the only row of a query."""
        (row,) = self.rows(query, values)
        return row

    def table(
        self, query: str, values: Sequence[object] = (), first: str = ""
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Answer a query, as `rows` does, with the names of the columns and a tuple per row."""
        with self._lock:
            self.version()
            assert self._connection is not None  # noqa: S101 - version() opened it
            try:
                if first:
                    self._connection.execute(first)
                result = self._connection.execute(query, values)
                return [column[0] for column in result.description], result.fetchall()
            except duckdb.Error as error:
                # Of a table or a column that is not there the first line has the name. What else
                # goes wrong may show values of records.
                is_shape = isinstance(error, duckdb.CatalogException | duckdb.BinderException)
                reason = str(error).splitlines()[0] if is_shape else type(error).__name__
                message = (
                    "the published copy is not as this version of the project makes it, "
                    f"run `meltano run transform`: {reason}"
                )
                raise PublishedError(message, "other version", reason) from None


def quote(name: str) -> str:
    """Return a name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def listed_domains(text: str | None) -> list[str]:
    """Return the domains a company lists; Kizen sends texts, or objects that have one."""
    try:
        listed: Any = json.loads(text or "[]")
    except ValueError:
        return []
    if not isinstance(listed, list):
        return []
    values = [
        each.get("domain", each.get("name")) if isinstance(each, dict) else each for each in listed
    ]
    return [value for value in values if isinstance(value, str) and value]


def copy_name(warehouse: str) -> str:
    """Return the name of the published copy: that of the file, one of its own for a DuckLake."""
    if warehouse.startswith("ducklake:"):
        return "lake.duckdb"
    return os.path.basename(warehouse)  # noqa: PTH119 - of a text


def default_path(output: Path) -> Path:
    """Return where the copy is: `DUCKDB_PUBLISH_DIR`, or beside the warehouse."""
    environment = variables()
    warehouse = environment.get("DUCKDB_PATH")
    name = copy_name(warehouse) if warehouse else "warehouse.duckdb"
    folder = environment.get("DUCKDB_PUBLISH_DIR")
    return (type(output)(folder).expanduser() if folder else output / "published") / name
