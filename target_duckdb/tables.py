"""The tables of the database: which exist, which columns they have, and how these change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_duckdb.column_types import canonical, column_definition, converted, evolved, rounding
from target_duckdb.errors import EvolutionError
from target_duckdb.names import assign, folded, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Table:
    """Where a stream's rows live.

    Attributes:
        database: Name of the database.
        schema: Name of the schema.
        name: Name of the table.
    """

    database: str
    schema: str
    name: str

    @property
    def sql(self) -> str:
        """The table as SQL writes it."""
        return ".".join(map(quote, (self.database, self.schema, self.name)))


def look_up_schema(connection: DuckDBPyConnection, database: str, wanted: str) -> str | None:
    """Return the schema's name as the database spells it, None where it does not exist."""
    rows = connection.execute(
        "SELECT schema_name FROM duckdb_schemas() WHERE database_name = $1", [database]
    ).fetchall()
    for (name,) in rows:
        if folded(name) == folded(wanted):
            return str(name)
    return None


def find_schema(connection: DuckDBPyConnection, database: str, wanted: str) -> str:
    """Return the schema's name as the database spells it, made where it does not exist."""
    found = look_up_schema(connection, database, wanted)
    if found is None:
        connection.execute(f"CREATE SCHEMA {quote(database)}.{quote(wanted)}")
    return found or wanted


def find_names(connection: DuckDBPyConnection, database: str, schema: str) -> list[str]:
    """Return the names of all tables and views of a schema."""
    rows = connection.execute(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_catalog = $1 AND table_schema = $2",
        [database, schema],
    ).fetchall()
    return [name for (name,) in rows]


def find_columns(connection: DuckDBPyConnection, table: Table) -> dict[str, str]:
    """Return the types of a table's columns by name, in order; nothing for a missing table."""
    rows = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = $1 AND schema_name = $2 AND table_name = $3 ORDER BY column_index",
        [table.database, table.schema, table.name],
    ).fetchall()
    return {name: canonical(sql_type) for name, sql_type in rows}


def evolve(
    connection: DuckDBPyConnection,
    table: Table,
    wanted: Mapping[str, str],
    stream: str,
) -> dict[str, str]:
    """Make a table hold what a schema brings, without losing what it holds.

    Args:
        connection: In a transaction, before any row of the table is changed in it: DuckDB alters
            no table whose rows were.
        table: The table; made where it does not exist.
        wanted: Types by property name, in the order of the schema.
        stream: Name of the stream, for errors.

    Returns:
        For each property the name of its column.

    Raises:
        EvolutionError: A column has a type that the loader makes no columns of, or widening it
            would round what it holds.
    """
    existing = find_columns(connection, table)
    names = assign(wanted, existing)
    if not existing:
        columns = ", ".join(column_definition(names[name], wanted[name]) for name in wanted)
        connection.execute(f"CREATE TABLE {table.sql} ({columns})")
        return names
    for name, sql_type in wanted.items():
        column = names[name]
        if column not in existing:
            definition = column_definition(column, sql_type)
            connection.execute(f"ALTER TABLE {table.sql} ADD COLUMN {definition}")
            continue
        needed = evolved(existing[column], sql_type)
        if needed is None:
            msg = (
                f"stream {stream!r}: column {column!r} of table {table.schema}.{table.name} is "
                f"{existing[column]}, which cannot take in the {sql_type} of its schema; rename, "
                "alter or drop the column"
            )
            raise EvolutionError(msg)
        if needed != existing[column]:
            _widen(connection, table, column, (existing[column], needed), stream)
    return names


def _widen(
    connection: DuckDBPyConnection, table: Table, column: str, types: tuple[str, str], stream: str
) -> None:
    refuse_rounding(connection, table.sql, quote(column), types, f"stream {stream!r}")
    using = converted(quote(column), *types)
    connection.execute(
        f"ALTER TABLE {table.sql} ALTER COLUMN {quote(column)} TYPE {types[1]} USING {using}"
    )


def refuse_rounding(
    connection: DuckDBPyConnection, source: str, column: str, types: tuple[str, str], place: str
) -> None:
    """Raise an error where a conversion would change numbers.

    Args:
        connection: Where the rows are.
        source: The table, in SQL.
        column: The column, in SQL.
        types: Its type and the one it is to become.
        place: What the error names.

    Raises:
        EvolutionError: At least one value would be rounded.
    """
    changes = rounding(column, *types)
    if changes is None:
        return
    query = f"SELECT count(*) FILTER (WHERE {changes}) FROM {source}"  # noqa: S608 (quoted names)
    row = connection.execute(query).fetchone()
    if row is not None and row[0]:
        msg = (
            f"{place}: {row[0]} values of column {column} are {types[0]} and would be rounded as "
            f"{types[1]}; give the property 'multipleOf' or an 'x-sql-datatype' of DECIMAL, or "
            "alter the column to VARCHAR"
        )
        raise EvolutionError(msg)
