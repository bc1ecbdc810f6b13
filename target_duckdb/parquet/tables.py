"""The tables of a DuckDB file: which there are, whether one has changed, and how it is written."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from target_duckdb.errors import one_line
from target_duckdb.names import literal, quote
from target_duckdb.parquet.types import UnwritableTypeError, hashed, written

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from duckdb.sqltypes import DuckDBPyType

FILE_BYTES = 64 << 20
"""A file that has grown to this size is the last one but for those after it: 64 MiB.

An object store takes each of them in one request: a killed publisher leaves no parts of one.
"""

_SAMPLE = 1000
_VECTOR, _MOST_ROWS = 2048, 122_880
"""Rows of a row group are a multiple of the first, and by default the second."""

_WRITTEN_AS = "1"
"""Changes with how tables are written: each is written anew then."""

_TABLES = """
SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()
UNION ALL
SELECT schema_name, view_name FROM duckdb_views()
WHERE database_name = current_database() AND NOT internal
ORDER BY 1, 2
"""

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")


class TableError(Exception):
    """A table that cannot be read or written; the message names it."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: Its name.
        type: Its type in DuckDB.
        parquet_type: The type that DuckDB reads its values from the file in.
    """

    name: str
    type: str
    parquet_type: str


@dataclass(frozen=True)
class Table:
    """A table or a view.

    Attributes:
        columns: Name and type of each column, in order.
    """

    schema: str
    name: str
    columns: tuple[tuple[str, DuckDBPyType], ...]

    @property
    def full_name(self) -> str:
        """Its name, as people are told."""
        return f"{self.schema}.{self.name}"

    @property
    def directory(self) -> str:
        """The name of its directory: of letters, digits, `_`, `.` and `-`."""
        names = (self.schema, self.name)
        if all(_SAFE.fullmatch(name) for name in names):
            return self.full_name
        # Names that differ by other characters alone stay apart.
        digest = hashlib.sha256("\0".join(names).encode()).hexdigest()[:8]
        plain = (re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_") or "x" for name in names)
        return f"{'.'.join(plain)}-{digest}"


def tables(connection: duckdb.DuckDBPyConnection, schemas: Collection[str]) -> list[Table]:
    """Return the tables and views of some schemas, by name.

    Args:
        connection: To the database.
        schemas: Their names, in any case.

    Raises:
        TableError: A view cannot be read.
    """
    wanted = {schema.lower() for schema in schemas}
    found = []
    for schema, name in connection.execute(_TABLES).fetchall():
        if schema.lower() not in wanted:
            continue
        try:
            relation = connection.sql(f"FROM {quote(schema)}.{quote(name)}")
        except duckdb.Error as error:
            raise _failed(Table(schema, name, ()), error) from None
        columns = zip(relation.columns, relation.types, strict=True)
        found.append(Table(schema, name, tuple(columns)))
    return found


def content(connection: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Return a text that stays the same as long as the rows of a table do, in whatever order.

    It is made of the number of rows, of sum and exclusive or of a hash of 64 bits of each row, of
    the names and types of the columns, and of the version of DuckDB, whose hash may change.

    Raises:
        TableError: It cannot be read.
    """
    values = ", ".join(part for name, of in table.columns for part in hashed(name, of))
    query = f"""
        SELECT count(*), coalesce(sum(row_hash), 0), coalesce(bit_xor(row_hash), 0)
        FROM (SELECT hash({values}) AS row_hash FROM {_sql(table)})
    """  # noqa: S608 - names are quoted
    try:
        rows = connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise _failed(table, error) from None
    columns = [(name, str(of)) for name, of in table.columns]
    facts = repr((rows, columns, duckdb.__version__, _WRITTEN_AS))
    return hashlib.sha256(facts.encode()).hexdigest()


def write(
    connection: duckdb.DuckDBPyConnection, table: Table, folder: Path, file_bytes: int = FILE_BYTES
) -> dict[str, int]:
    """Write a table as Parquet files.

    Args:
        connection: To the database.
        table: The table.
        folder: An empty folder, or one that does not exist.
        file_bytes: The size from which on the next row group goes to a new file.

    Returns:
        The rows of each file, by its name; at least one.

    Raises:
        TableError: It cannot be read or written.
    """
    try:
        group = _rows_of_group(connection, table, file_bytes)
        target = (
            f"{literal(str(folder))} (FORMAT parquet, COMPRESSION zstd, RETURN_STATS, "
            f"FILE_SIZE_BYTES {file_bytes}, ROW_GROUP_SIZE {group}, OVERWRITE_OR_IGNORE)"
        )
        ended = connection.execute(f"COPY ({_written(table)}) TO {target}")
        found: list[Any] = ended.fetchall()
    except duckdb.Error as error:
        raise _failed(table, error) from None
    rows = {str(each[0]).rpartition("/")[2]: int(each[1]) for each in sorted(found)}
    # DuckDB may begin a file that no row is left for.
    for name in [name for name, count in rows.items() if not count][: len(rows) - 1]:
        (folder / name).unlink()
        del rows[name]
    return rows


def _rows_of_group(connection: duckdb.DuckDBPyConnection, table: Table, file_bytes: int) -> int:
    """Return how many rows are written at once: of wide rows few, so that files stay small."""
    query = f"SELECT avg(strlen(CAST(r AS VARCHAR))) FROM (FROM {_sql(table)} LIMIT {_SAMPLE}) AS r"  # noqa: S608
    row = connection.execute(query).fetchone()
    width = float(row[0] or 1) if row else 1.0
    fitting = int(file_bytes / 4 / width) // _VECTOR * _VECTOR
    return min(max(fitting, _VECTOR), _MOST_ROWS)


def columns(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Column]:
    """Return the columns of a table, with the types that they have in its files.

    Raises:
        TableError: It cannot be read.
    """
    try:
        types = connection.sql(_written(table)).types
    except duckdb.Error as error:
        raise _failed(table, error) from None
    return [
        Column(name, str(of), str(stored))
        for (name, of), stored in zip(table.columns, types, strict=True)
    ]


def _written(table: Table) -> str:
    """Return the query whose rows are written.

    Raises:
        TableError: A column has a type that Parquet cannot hold.
    """
    try:
        values = ", ".join(f"{written(name, of)} AS {quote(name)}" for name, of in table.columns)
    except UnwritableTypeError as error:
        message = f"{table.full_name} cannot be written: it has {error}, which Parquet cannot hold"
        raise TableError(message) from None
    return f"SELECT {values} FROM {_sql(table)}"  # noqa: S608 - names are quoted


def _sql(table: Table) -> str:
    return f"{quote(table.schema)}.{quote(table.name)}"


def _failed(table: Table, error: duckdb.Error) -> TableError:
    message = f"{table.full_name} cannot be written: {one_line(error)}"
    return TableError(message)
