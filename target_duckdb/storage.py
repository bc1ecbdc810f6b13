"""What depends on where tables are: the types that are kept, and how a column gets another type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_duckdb.names import quote

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Storage:
    """How tables are kept.

    Attributes:
        kept_as: Returns the type that holds each value of a type just as it is.
        retype: Returns the statements that give a column another type. Takes the table and the
            column as SQL, the new type, and the expression that carries a value over.
    """

    kept_as: Callable[[str], str]
    retype: Callable[[str, str, str, str], list[str]]


def _retype(table: str, column: str, sql_type: str, using: str) -> list[str]:
    return [f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {sql_type} USING {using}"]


FILE = Storage(kept_as=lambda sql_type: sql_type, retype=_retype)
"""DuckDB's own: it keeps each of its types."""

_RETYPED = quote("_sdc_retyped")


def _retype_in_lake(table: str, column: str, sql_type: str, using: str) -> list[str]:
    return [
        f"ALTER TABLE {table} ADD COLUMN {_RETYPED} {sql_type}",
        f"UPDATE {table} SET {_RETYPED} = {using}",  # noqa: S608 (quoted names)
        f"ALTER TABLE {table} DROP COLUMN {column}",
        f"ALTER TABLE {table} RENAME COLUMN {_RETYPED} TO {column}",
    ]


def _kept_in_lake(sql_type: str) -> str:
    return "DECIMAL(38,0)" if sql_type == "HUGEINT" else sql_type


LAKE = Storage(kept_as=_kept_in_lake, retype=_retype_in_lake)
"""DuckLake's. It changes types by itself, and only where Parquet needs no new file. A DATE that it
makes a TIMESTAMPTZ so is another moment for each reader's time zone: values are written anew.

Parquet has no HUGEINT: DuckDB writes a DOUBLE, which rounds."""
