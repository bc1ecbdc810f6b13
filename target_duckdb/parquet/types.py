"""How a value of each DuckDB type stands in a Parquet file, and what tells it from another one.

DuckDB writes most types as they are. Some it would write as another value: a HUGEINT as the nearest
DOUBLE, an INTERVAL without its microseconds. Others are in Parquet, and Spark 4.0 refuses the whole
file for them. Both are written as text, which DuckDB casts back to the same value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_duckdb.names import literal, quote

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

_TEXT = "VARCHAR"

AS_TEXT = {
    "bignum": "Parquet has no integer of any length",
    "bit": "Parquet has no string of bits",
    "enum": "Parquet's readers take it for text",
    "hugeint": "DuckDB writes the nearest DOUBLE",
    "interval": "Parquet's has no microseconds",
    "json": "Polars reads bytes from Parquet's",
    "time": "Spark refuses a file that has one",
    "time with time zone": "Parquet's has no offset",
    "time_ns": "Spark refuses a file that has one",
    "timestamp_ns": "Spark refuses a file that has one",
    "uhugeint": "DuckDB writes the nearest DOUBLE",
    "uuid": "Spark refuses a file that has one",
    "varint": "Parquet has no integer of any length",
}
"""Types that are written as text, by the name that Python has for each, and why."""

_AS_TIMESTAMP = {"timestamp_ms", "timestamp_s"}
_NESTED = {"array", "list", "map", "struct"}
_HASHED_ALIKE = {"interval", "time with time zone", "union", "variant"}
"""Types of which DuckDB gives values that differ the same hash, such as 1 month and 30 days."""


class UnwritableTypeError(Exception):
    """A type that no column of a Parquet file can hold; the message says which."""


def stored(of: DuckDBPyType) -> str:
    """Return the DuckDB type that a value is cast to before it is written.

    Args:
        of: Its type in the table.

    Returns:
        The same type, or one in which text stands for what Parquet or one of its readers cannot
        hold, at any depth.

    Raises:
        UnwritableTypeError: It is or has a UNION or a VARIANT.
    """
    kind = _kind(of)
    if kind in AS_TEXT:
        return _TEXT
    if kind in _AS_TIMESTAMP:
        return "TIMESTAMP"
    if kind in {"union", "variant"}:
        message = f"a {kind.upper()} within another type ({of})"
        raise UnwritableTypeError(message)
    if kind not in _NESTED:
        return str(of)
    parts = {name: stored(child) for name, child in _children(of)}
    if kind == "struct":
        return f"STRUCT({', '.join(f'{quote(name)} {part}' for name, part in parts.items())})"
    if kind == "map":
        return f"MAP({parts['key']}, {parts['value']})"
    # Parquet has lists of any length only.
    return f"{parts['child']}[]"


def written(name: str, of: DuckDBPyType) -> str:
    """Return the SQL expression of which the values of a column are written.

    Args:
        name: The column.
        of: Its type. A UNION becomes a STRUCT: `tag`, the name of the member that is set, and
            each member. A VARIANT becomes the text of a JSON.

    Raises:
        UnwritableTypeError: It has a UNION or a VARIANT within another type.
    """
    column = quote(name)
    if of.id == "union":
        members = [
            f"{quote(member)}: CAST(union_extract({column}, {literal(member)}) AS {stored(child)})"
            for member, child in _children(of)[1:]
        ]
        fields = ", ".join([f"tag: CAST(union_tag({column}) AS VARCHAR)", *members])
        return f"CASE WHEN {column} IS NOT NULL THEN {{{fields}}} END"
    if of.id == "variant":
        return f"CAST(CAST({column} AS JSON) AS VARCHAR)"
    to = stored(of)
    return column if to == str(of) else f"CAST({column} AS {to})"


def _children(of: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """Return the types within a type, by name; an array's length is none."""
    return [(name, child) for name, child in of.children if isinstance(child, type(of))]


def _kind(of: DuckDBPyType) -> str:
    """Return the name of a type; for Python a JSON is a VARCHAR."""
    return "json" if str(of) == "JSON" else str(of.id)


def hashed(name: str, of: DuckDBPyType) -> list[str]:
    """Return the SQL expressions whose hashes change wherever a value of a column does.

    Args:
        name: The column.
        of: Its type.
    """
    column, text = quote(name), f"CAST({quote(name)} AS VARCHAR)"
    if of.id in {"double", "float"}:
        return [column, f"signbit({column})"]
    if of.id == "union":
        return [text, f"CAST(union_tag({column}) AS VARCHAR)"]
    if of.id in _HASHED_ALIKE:
        return [text]
    return [column, text] if of.id in _NESTED else [column]
