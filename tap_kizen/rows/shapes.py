"""JSON schemas of the columns, and whether a value fits one."""

from __future__ import annotations

from decimal import Decimal
from types import NoneType
from typing import Any

STRING: dict[str, Any] = {"type": ["string", "null"]}
INTEGER: dict[str, Any] = {"type": ["integer", "null"]}
NUMBER: dict[str, Any] = {"type": ["number", "null"]}
BOOLEAN: dict[str, Any] = {"type": ["boolean", "null"]}
DATE: dict[str, Any] = {"type": ["string", "null"], "format": "date"}
MOMENT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
ANY: dict[str, Any] = {"type": ["object", "array", "string", "number", "boolean", "null"]}
LIST: dict[str, Any] = {"type": ["array", "null"], "items": ANY}
OBJECT: dict[str, Any] = {"type": ["object", "null"], "additionalProperties": True}
KEY: dict[str, Any] = {"type": ["string"]}

_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float, Decimal),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (NoneType,),
}


def table(**columns: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a table: an `id`, the named columns, and one for all other keys."""
    return {
        "type": "object",
        "properties": {"id": KEY, **columns, "additional_fields": OBJECT},
        "required": ["id"],
    }


def kinds(schema: dict[str, Any]) -> frozenset[type]:
    """Return the types of decoded JSON values that a column's schema names."""
    return frozenset(kind for name in schema["type"] for kind in _PYTHON[name])
