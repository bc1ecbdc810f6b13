"""Staged lines into staging tables, staging tables into the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_duckdb.codec import VERSION
from target_duckdb.column_types import converted
from target_duckdb.names import NO_HIVE, literal, quote
from target_duckdb.staging import StagingPlace
from target_duckdb.tables import refuse_rounding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from target_duckdb.staging import StagingFile
    from target_duckdb.tables import Table

_OBJECT_SIZE = 1 << 20
"""Bytes of the longest line DuckDB expects. It reads a file in pieces of twice this size, so that a
smaller one than its own 16 MB lets all cores work on one file."""

ROW_ID = "rowid"
"""DuckDB's number of a row, hidden in a table that has a column of this name."""


@dataclass(frozen=True)
class StagedColumn:
    """A column of a staging table.

    Attributes:
        name: The property or metadata column it holds.
        staged: Its key in the staging file.
        sql_type: Its type in the staging table.
        read_as: The type `read_json` reads it under.
        is_nested: Whether the staging file may hold its objects and arrays as they are.
    """

    name: str
    staged: str
    sql_type: str
    read_as: str
    is_nested: bool = False

    def read_from(self, file: StagingFile) -> str:
        """Return the type `read_json` reads it under in this file.

        As JSON, what is no text need not be parsed again on its way from text into the column.
        """
        return "JSON" if self.is_nested and not file.has_texts else self.read_as

    def cell(self, file: StagingFile) -> str:
        """Return SQL for its value in a line of this file."""
        value = f"CAST({quote(self.staged)} AS {self.sql_type})"
        if self.name == VERSION and file.version is not None:
            return f"CAST(coalesce({value}, {file.version:d}) AS {self.sql_type})"
        return value


@dataclass
class StagingTable:
    """A table with the rows of one stream under one schema, in the order they came.

    Attributes:
        name: Name of the table.
        columns: Its columns; in SQL they are called `c0`, `c1`, … in this order.
        rows: Rows in it.
    """

    name: str
    columns: Sequence[StagedColumn]
    rows: int = 0
    _place: StagingPlace | None = field(default=None, init=False)

    @property
    def sql(self) -> str:
        """The table as SQL writes it."""
        return self._sql_in(self._place or StagingPlace())

    def _sql_in(self, place: StagingPlace) -> str:
        return ".".join(map(quote, (place.database, place.schema, self.name)))

    @property
    def can_be_renamed(self) -> bool:
        """Whether a new name makes it a table of the target."""
        return self._place is not None and self._place.is_target

    def load(self, connection: DuckDBPyConnection, file: StagingFile, place: StagingPlace) -> None:
        """Add the lines of a staging file, and remove the file.

        Args:
            connection: The working connection.
            file: The lines.
            place: Where the table is made if this is the first file.

        Raises:
            RuntimeError: DuckDB read another number of rows than was written.
        """
        file.write()
        keys = ", ".join(f"{literal(c.staged)}: {literal(c.read_from(file))}" for c in self.columns)
        cells = ", ".join(f"{c.cell(file)} AS c{index}" for index, c in enumerate(self.columns))
        size = max(_OBJECT_SIZE, file.longest + 1)
        query = (
            f"SELECT {cells} FROM read_json({literal(str(file.path))}, "  # noqa: S608 (quoted names)
            f"format = 'newline_delimited', compression = 'uncompressed', columns = {{{keys}}}, "
            f"maximum_object_size = {size}, {NO_HIVE})"
        )
        if self._place is not None:
            connection.execute(f"INSERT INTO {self.sql} {query}")
        else:
            kind = "TEMP TABLE" if place == StagingPlace() else "TABLE"
            connection.execute(f"CREATE {kind} {self._sql_in(place)} AS {query}")
            self._place = place
        self.rows += file.rows
        found = connection.execute(f"SELECT count(*) FROM {self.sql}").fetchone()  # noqa: S608
        if found != (self.rows,):
            msg = f"DuckDB read {found} rows where {self.rows} were staged"
            raise RuntimeError(msg)
        file.remove()

    def drop(self, connection: DuckDBPyConnection) -> None:
        """Remove the table; one that could be renamed is gone, or has become another."""
        if not self.can_be_renamed:
            connection.execute(f"DROP TABLE IF EXISTS {self.sql}")
        self.rows = 0
        self._place = None


def rename(
    connection: DuckDBPyConnection,
    staging: StagingTable,
    table: Table,
    columns: Mapping[str, str],
) -> None:
    """Make a staging table a table of the target; must be called inside a transaction.

    Args:
        connection: The working connection.
        staging: A staging table that can be renamed.
        table: A table that does not exist.
        columns: For each staged name the column it becomes; others are removed.
    """
    for index, column in enumerate(staging.columns):
        change = f"ALTER TABLE {staging.sql} "
        if column.name in columns:
            connection.execute(f"{change} RENAME c{index} TO {quote(columns[column.name])}")
        else:
            connection.execute(f"{change} DROP c{index}")
    connection.execute(f"ALTER TABLE {staging.sql} RENAME TO {quote(table.name)}")


@dataclass(frozen=True)
class Merge:
    """How the rows of one staging table go into a table.

    Attributes:
        staging: The rows.
        table: The table, which has all columns already.
        columns: For each staged name the column it goes to; others are left behind.
        types: Types of the table's columns.
        keys: Columns of the key; rows that share it replace each other.
        replace: Whether the table is emptied first.
        place: What errors name.
        is_renamed: Whether the staging table has become the table, and all rows are in it.
    """

    staging: StagingTable
    table: Table
    columns: dict[str, str]
    types: dict[str, str]
    keys: Sequence[str]
    replace: bool
    place: str
    is_renamed: bool = False

    def run(self, connection: DuckDBPyConnection) -> None:
        """Write the rows; must be called inside a transaction.

        Raises:
            EvolutionError: The table is wider than the schema and would round a value.
        """
        if self.is_renamed:
            self._remove_repeated(connection)
            return
        if self.replace:
            connection.execute(f"DELETE FROM {self.table.sql}")  # noqa: S608
        if not self.staging.rows:
            return
        cells = {
            self.columns[column.name]: self._cell(connection, f"c{index}", column)
            for index, column in enumerate(self.staging.columns)
            if column.name in self.columns
        }
        where = ""
        if self.keys:
            key = ", ".join(cells[name] for name in self.keys)
            where = self._last_of_each(connection, self.staging.sql, key)
            if not self.replace and self._has_rows(connection):
                self._remove_replaced(connection, cells)
        names = ", ".join(map(quote, cells))
        connection.execute(
            f"INSERT INTO {self.table.sql} ({names}) "  # noqa: S608
            f"SELECT {', '.join(cells.values())} FROM {self.staging.sql} {where}"
        )

    def _cell(self, connection: DuckDBPyConnection, name: str, column: StagedColumn) -> str:
        types = (column.sql_type, self.types[self.columns[column.name]])
        refuse_rounding(connection, self.staging.sql, name, types, self.place)
        return converted(name, *types)

    def _last_of_each(self, connection: DuckDBPyConnection, source: str, key: str) -> str:
        """Return a condition that leaves the last row of each key, nothing where all differ."""
        # Keys with other hashes are others, and hashes take a fraction of the memory. Where two
        # hashes are the same, by chance or not, the rows tell.
        counted = connection.execute(
            f"SELECT count(DISTINCT hash({key})) FROM {source}"  # noqa: S608
        ).fetchone()
        if counted == (self.staging.rows,):
            return ""
        return f"WHERE {ROW_ID} IN (SELECT max({ROW_ID}) FROM {source} GROUP BY {key})"  # noqa: S608

    def _remove_repeated(self, connection: DuckDBPyConnection) -> None:
        """Leave the last row of each key in a table that holds just what was staged."""
        if not self.keys:
            return
        key = ", ".join(map(quote, self.keys))
        where = self._last_of_each(connection, self.table.sql, key)
        if where:
            others = where.replace(f"{ROW_ID} IN", f"{ROW_ID} NOT IN")
            connection.execute(f"DELETE FROM {self.table.sql} {others}")  # noqa: S608

    def _has_rows(self, connection: DuckDBPyConnection) -> bool:
        query = f"SELECT 1 FROM {self.table.sql} LIMIT 1"  # noqa: S608
        return connection.execute(query).fetchone() is not None

    def _remove_replaced(self, connection: DuckDBPyConnection, cells: dict[str, str]) -> None:
        keys = [(quote(name), f"k{index}") for index, name in enumerate(self.keys)]
        selected = ", ".join(
            f"{cells[name]} AS {alias}" for name, (_, alias) in zip(self.keys, keys, strict=True)
        )
        same = " AND ".join(f"old.{column} = new.{alias}" for column, alias in keys)
        connection.execute(
            f"DELETE FROM {self.table.sql} AS old "  # noqa: S608
            f"USING (SELECT DISTINCT {selected} FROM {self.staging.sql}) AS new WHERE {same}"
        )
