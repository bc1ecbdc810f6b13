"""Schemas that the SDK's flattening does not lose values by."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from target_duckdb.column_types import variants
from target_duckdb.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator


def flattenable(schema: dict[str, Any], max_level: int) -> dict[str, Any]:
    """Return a schema that the SDK flattens into a column for every property it names.

    The SDK gives no column to an object without named properties, to one that may be a scalar
    instead, nor to alternatives that begin with a number; a number where anything may come goes
    into a column of texts, which refuses it.

    Args:
        schema: The stream's schema.
        max_level: The setting `flattening_max_depth`.

    Returns:
        The schema with a `type` for every property, references and alternatives worked out, down
        to `max_level`. What may be an object or an array and something else, too, has the type of
        the latter or a text, since the SDK writes the former as JSON text.
    """
    return {**schema, "properties": _properties(schema, schema, max_level)}


def _properties(node: dict[str, Any], root: dict[str, Any], levels: int) -> dict[str, Any]:
    return {name: _property(each, root, levels) for name, each in node["properties"].items()}


def _property(schema: Any, root: dict[str, Any], levels: int) -> dict[str, Any]:  # noqa: ANN401
    found = variants(schema, root)
    if any("type" not in each for each in found):
        return {"type": ["string", "number", "boolean", "null"]}
    kinds = list(dict.fromkeys(each["type"] for each in found))
    values = [each for each in found if each["type"] != "null"]
    if len(values) == 1:
        return _alone(values[0], kinds, root, levels)
    texts = {"object": "string", "array": "string"}
    return {"type": list(dict.fromkeys(texts.get(kind, kind) for kind in kinds))}


def _alone(
    schema: dict[str, Any], kinds: list[str], root: dict[str, Any], levels: int
) -> dict[str, Any]:
    """Give the schema of what has one type, and may be null besides."""
    own = {**schema, "type": kinds}
    named = own.pop("properties", None)
    if schema["type"] == "object" and isinstance(named, dict) and named and levels > 0:
        own["properties"] = _properties(schema, root, levels - 1)
    return own


@contextmanager
def columns_told(stream: str) -> Iterator[None]:
    """Name the stream in which two properties would be flattened into one column.

    Raises:
        SchemaError: Instead of the SDK's `ValueError`.
    """
    try:
        yield
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        message = f"stream {stream!r}: {error}; change 'flattening_separator'"
        raise SchemaError(message) from None
