"""JSON schemas of the columns, and whether a value fits one."""

from __future__ import annotations

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
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (NoneType,),
}


def table(**columns: dict[str, Any]) -> dict[str, Any]:
    """Give the schema of a table: an `id`, the named columns, and one for all other keys."""
    return {
        "type": "object",
        "properties": {"id": KEY, **columns, "additional_fields": OBJECT},
        "required": ["id"],
    }


def fits(value: Any, schema: dict[str, Any]) -> bool:  # noqa: ANN401 - any JSON value
    """Tell whether a JSON value is of a type that a column's schema names."""
    types: list[str] = schema["type"]
    if isinstance(value, bool):
        return "boolean" in types
    return any(isinstance(value, _PYTHON[name]) for name in types)
