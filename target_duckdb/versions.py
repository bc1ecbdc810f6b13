"""Rows that are gone from the source, told by the versions of whole tables or by the tap itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from target_duckdb.codec import DELETED_AT, METADATA, VERSION
from target_duckdb.names import quote
from target_duckdb.tables import find_columns

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from target_duckdb.tables import Table


def _before(version: int) -> str:
    """Return the SQL condition that a row's version, if it has one, comes before this one.

    A version is the time at which a read began, in milliseconds or seconds since 1970. Where this
    one has passed and a row's is still to come, the row's is from a clock that was ahead.
    """
    now = time.time_ns() // 1_000_000
    is_wrong = f" OR {quote(VERSION)} > {now}" if version <= now else ""
    return f"({quote(VERSION)} IS NULL OR {quote(VERSION)} < {int(version)}{is_wrong})"


def newest_version(connection: DuckDBPyConnection, table: Table, version: int) -> int | None:
    """Return the newest version among a table's rows that does not come before the given one.

    Args:
        connection: The working connection.
        table: The table, which need not exist.
        version: A version that records of the stream have.

    Returns:
        None where all rows come before, or there is none.
    """
    if find_columns(connection, table).get(VERSION) != METADATA[VERSION]:
        return None
    query = f"SELECT max({quote(VERSION)}) FROM {table.sql} WHERE NOT {_before(version)}"  # noqa: S608 (quoted names)
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def activate(
    connection: DuckDBPyConnection, table: Table, version: int, *, hard_delete: bool
) -> None:
    """Let rows of versions before this one go; must be called inside a transaction.

    Args:
        connection: The working connection.
        table: The table, with its version column.
        version: The version that is active now. Rows without any come before it.
        hard_delete: Whether rows are deleted; otherwise they get the time of their deletion.
    """
    older = _before(version)
    if hard_delete:
        connection.execute(f"DELETE FROM {table.sql} WHERE {older}")  # noqa: S608
        return
    deleted_at = quote(DELETED_AT)
    connection.execute(
        f"UPDATE {table.sql} SET {deleted_at} = now() "  # noqa: S608
        f"WHERE {older} AND {deleted_at} IS NULL"
    )


def delete_marked(connection: DuckDBPyConnection, table: Table) -> None:
    """Delete rows the tap marked as deleted; must be called inside a transaction."""
    connection.execute(f"DELETE FROM {table.sql} WHERE {quote(DELETED_AT)} IS NOT NULL")  # noqa: S608
