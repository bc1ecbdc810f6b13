"""Records that cannot be loaded, kept whole where a user can look at them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

from target_duckdb.database import StagingPlace
from target_duckdb.merge import Table, evolve, find_schema
from target_duckdb.staging import StagedColumn, StagingFile, StagingTable

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

TABLE_NAME = "_quarantine"
_FILE_NAME = "quarantine.ndjson"
_TYPES = {
    "stream": "VARCHAR",
    "reason": "VARCHAR",
    "record": "VARCHAR",
    "quarantined_at": "TIMESTAMPTZ",
    "line_number": "BIGINT",
}
_COLUMNS = [
    StagedColumn(name, name, sql_type, "BIGINT" if sql_type == "BIGINT" else "VARCHAR")
    for name, sql_type in _TYPES.items()
]


def _storable(text: str | None) -> str | None:
    """Return a text with escapes for what UTF-8 cannot hold: names may have lone surrogates."""
    return None if text is None else text.encode(errors="backslashreplace").decode()


class Quarantine:
    """Collects bad records of a flush; they are written in its transaction.

    Attributes:
        rows: Records collected since the last flush.
    """

    def __init__(self, directory: Path) -> None:
        """Name the staging file."""
        self._directory = directory
        self._file = StagingFile(directory, _FILE_NAME)
        self._staging = StagingTable("quarantine", _COLUMNS)
        self.rows = 0

    def add(self, stream: str | None, line_number: int, reason: str, text: bytes) -> None:
        """Keep one record.

        Args:
            stream: Name of its stream, None where that cannot be told.
            line_number: The line it came on.
            reason: What is wrong with it.
            text: The record as JSON, or the whole line where it is no message.
        """
        now = dt.datetime.now(tz=dt.timezone.utc)
        readable = text.decode("utf-8", "backslashreplace").rstrip("\n")
        row = (_storable(stream), _storable(reason), readable, now, line_number)
        self._file.add(msgspec.json.encode(dict(zip(_TYPES, row, strict=True))) + b"\n", 1)
        self.rows += 1

    def stage(self, connection: DuckDBPyConnection) -> None:
        """Move what was collected into a staging table."""
        if self._file.rows:
            self._staging.load(connection, self._file, StagingPlace())
            self._file = StagingFile(self._directory, _FILE_NAME)

    def write(self, connection: DuckDBPyConnection, database: str, schema: str) -> None:
        """Write the records; must be called inside a transaction.

        A record that lies there already with the same reason is not added again, so that a run
        repeated leaves the same table.
        """
        if not self._staging.rows:
            return
        table = Table(database, find_schema(connection, database, schema), TABLE_NAME)
        evolve(connection, table, _TYPES, {}, TABLE_NAME)
        connection.execute(
            f"INSERT INTO {table.sql} (stream, reason, record, quarantined_at, line_number) "  # noqa: S608
            f"SELECT c0, c1, c2, min(c3), min(c4) FROM {self._staging.sql} AS new "
            f"WHERE NOT EXISTS (SELECT 1 FROM {table.sql} AS old WHERE "
            "old.stream IS NOT DISTINCT FROM new.c0 AND old.reason = new.c1 "
            "AND old.record = new.c2) GROUP BY c0, c1, c2"
        )

    def clear(self, connection: DuckDBPyConnection) -> None:
        """Forget what has been committed."""
        self._staging.drop(connection)
        self.rows = 0
