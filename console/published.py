"""The copy of the warehouse for readers: read only, opened anew when a run replaces it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Row = dict[str, Any]

_ONLY_WHAT_IS_HERE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


class PublishedError(Exception):
    """There is no copy to read; the message says what to do."""


class Published:
    """A published copy. Threads may share it: one asks at a time."""

    def __init__(self, path: Path) -> None:
        """Take the path of the copy, which need not exist yet."""
        self.path = path
        self._lock = threading.RLock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._identity: tuple[int, int, int] | None = None
        self._tables: set[str] = set()

    def refresh(self) -> None:
        """Open the newest copy. What is asked until the next time is asked of one copy.

        Raises:
            PublishedError: There is none that can be read.
        """
        with self._lock:
            try:
                status = self.path.stat()
            except FileNotFoundError as error:
                self.close()
                message = (
                    f"there is no published copy {self.path}: run `meltano run elt`, which makes it"
                )
                raise PublishedError(message) from error
            except OSError as error:
                self.close()
                message = f"{self.path}: {error.strerror}"
                raise PublishedError(message) from error
            identity = (status.st_dev, status.st_ino, status.st_mtime_ns)
            if identity != self._identity:
                self._open(identity)

    def _open(self, identity: tuple[int, int, int]) -> None:
        # DuckDB hands out a file that is open already: the old copy has to be closed first.
        self.close()
        try:
            self._connection = duckdb.connect(
                str(self.path), read_only=True, config=_ONLY_WHAT_IS_HERE
            )
            self._connection.execute("set TimeZone = 'UTC'")
            found = self._connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables"
            ).fetchall()
        except duckdb.Error as error:
            self.close()
            message = f"{self.path}: {str(error).splitlines()[0]}"
            raise PublishedError(message) from error
        self._tables = {name for (name,) in found}
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
            self._connection, self._identity, self._tables = None, None, set()

    def has(self, table: str) -> bool:
        """Return whether the copy has a table, by its schema and name."""
        with self._lock:
            self.version()
            return table in self._tables

    def rows(self, query: str, values: Sequence[object] = (), first: str = "") -> list[Row]:
        """Answer a query with a dictionary per row.

        Args:
            query: The query.
            values: Those of its question marks.
            first: A statement that makes the temporary table that it reads.

        Raises:
            PublishedError: There is no copy, or it was made by another version of the models.
        """
        names, rows = self.table(query, values, first)
        return [dict(zip(names, row, strict=True)) for row in rows]

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
                message = f"{self.path}: {str(error).splitlines()[0]}"
                raise PublishedError(message) from error


def default_path(output: Path) -> Path:
    """Return where the copy is: `DUCKDB_PUBLISH_DIR`, or beside the warehouse."""
    warehouse = os.environ.get("DUCKDB_PATH")
    name = os.path.basename(warehouse) if warehouse else "warehouse.duckdb"  # noqa: PTH119 - of a text
    folder = os.environ.get("DUCKDB_PUBLISH_DIR")
    return (type(output)(folder).expanduser() if folder else output / "published") / name
