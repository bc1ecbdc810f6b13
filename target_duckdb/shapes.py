"""Which JSON schemas `msgspec` can check while it decodes, and the Python types that make it do so.

A schema is translated only where the type accepts nothing that the schema refuses; what the type
refuses is looked at again by a JSON Schema validator, so that it may be stricter than the schema
but never laxer.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from target_duckdb.columns import BIGINT_MAX, BIGINT_MIN
from target_duckdb.schemas import is_whole, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_NOTES = {
    "$comment", "$id", "$schema", "comment", "default", "deprecated", "description", "examples",
    "example", "precision", "readOnly", "scale", "title", "writeOnly", "definitions", "$defs",
    "contentMediaType", "contentEncoding", "inclusion", "selected",
}  # fmt: skip
"""Keywords that constrain nothing."""

_STRING = {"format", "minLength", "maxLength"}
_INTEGER = {"minimum", "maximum"}
_NUMBER = {"multipleOf"}
_OBJECT = {"properties", "required", "additionalProperties"}
_ARRAY = {"items"}
_ALL_TYPES = {"array", "boolean", "null", "number", "object", "string"}
_HANDLED = {"type", "$ref"} | _STRING | _INTEGER | _NUMBER | _OBJECT | _ARRAY
_MAX_DEPTH = 20


def constraints(schema: dict[str, Any]) -> set[str]:
    """Return the keywords of a schema that refuse some value."""
    return {key for key in schema if key not in _NOTES and not key.startswith("x-")}


def type_names(schema: dict[str, Any]) -> list[str]:
    """Return the names in `type` as a list, an empty one where there is none."""
    declared = schema.get("type", [])
    return declared if isinstance(declared, list) else [declared]


def shape(schema: Any, root: dict[str, Any], depth: int = 0) -> Any:  # noqa: ANN401
    """Return a type for `msgspec` that accepts only what the schema accepts, None if there is none.

    Args:
        schema: A property's schema, or that of a value inside one.
        root: The stream's schema, in which references are looked up.
        depth: How deep the value lies; recursive schemas end in None.
    """
    if schema is True:
        return Any
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return None
    node = resolve(schema, root)
    found = constraints(node)
    if not found:
        return Any
    if found <= _HANDLED:
        return Any if _takes_all(node) else _union(_parts(node, root, depth))
    if found == {"anyOf"} and isinstance(node["anyOf"], list):
        return _union(shape(option, root, depth + 1) for option in node["anyOf"])
    return choices(node)


def _union(found: Iterable[Any]) -> Any:  # noqa: ANN401
    """Return a type that takes what any of the parts takes, None where `msgspec` has none."""
    parts: list[Any] = []
    for part in found:
        # The others are not looked at: of schemas that hold themselves there would be millions.
        if part is None:
            return None
        parts.append(part)
    if not parts:
        return None
    if Any in parts:
        return Any
    union: Any = Union  # the parts are known at run time only
    result = union[tuple(parts)]
    try:
        msgspec.json.Decoder(result)
    except TypeError:
        return None
    return result


def alternatives(known: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Return the types of which a value may be one."""
    return get_args(known) if get_origin(known) is Union else (known,)


def keeps_all(known: Any) -> bool:  # noqa: ANN401
    """Return whether a value decoded as this type has all of what was in the JSON.

    A float has not (it may be rounded), nor has a structure (it has only the members it names).
    """
    exact = {Any, bool, int, str, type(None), dict[str, Any], list[Any]}
    return all(part in exact for part in alternatives(known))


def is_nested(known: Any) -> bool:  # noqa: ANN401
    """Return whether all values of this type are objects or arrays, or null."""
    kinds = [get_origin(part) or part for part in alternatives(known)]
    return all(
        kind in {dict, list, type(None)}
        or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))
        for kind in kinds
    )


def _takes_all(node: dict[str, Any]) -> bool:
    """Return whether a schema names all types, and constrains none: properties have names only."""
    if not constraints(node) <= {"type", "properties", "additionalProperties"}:
        return False
    properties = node.get("properties", {})
    return (
        isinstance(properties, dict)
        and all(each is True or each == {} for each in properties.values())
        and node.get("additionalProperties", True) is True
        and set(type_names(node)) >= _ALL_TYPES
    )


def _parts(node: dict[str, Any], root: dict[str, Any], depth: int) -> Iterator[Any]:
    names = type_names(node)
    if "number" in names:
        names = [name for name in names if name != "integer"]
    number: Any = Union[int, float]  # noqa: UP007 (a value here, not an annotation)
    makers: dict[str, Callable[[], Any]] = {
        "null": lambda: type(None),
        "boolean": lambda: bool,
        "string": lambda: _string(node),
        "integer": lambda: _integer(node),
        "number": lambda: None if _given(node, "minimum", "maximum", "multipleOf") else number,
        "array": lambda: _array(node, root, depth),
        "object": lambda: _object(node, root, depth),
    }
    for name in dict.fromkeys(names):
        yield makers[name]() if name in makers else None


def _given(node: dict[str, Any], *keywords: str) -> bool:
    return any(keyword in node for keyword in keywords)


def _string(node: dict[str, Any]) -> Any:  # noqa: ANN401
    low, high = node.get("minLength"), node.get("maxLength")
    if low is None and high is None:
        return str
    if not all(limit is None or _is_length(limit) for limit in (low, high)):
        return None
    return Annotated[str, msgspec.Meta(min_length=low, max_length=high)]


def _integer(node: dict[str, Any]) -> Any:  # noqa: ANN401
    if "multipleOf" in node:
        return None
    low, high = node.get("minimum", BIGINT_MIN), node.get("maximum", BIGINT_MAX)
    if not is_whole(low) or not is_whole(high):
        return None
    if low < BIGINT_MIN or high > BIGINT_MAX:
        # Bounds beyond 64 bits are checked where the value is staged.
        return int if not _given(node, "minimum", "maximum") else None
    return Annotated[int, msgspec.Meta(ge=int(low), le=int(high))]


def _is_length(value: object) -> bool:
    return isinstance(value, int) and value <= sys.maxsize


def _array(node: dict[str, Any], root: dict[str, Any], depth: int) -> Any:  # noqa: ANN401
    items = shape(node.get("items", True), root, depth + 1)
    generic: Any = list
    return None if items is None else generic[items]


def _object(node: dict[str, Any], root: dict[str, Any], depth: int) -> Any:  # noqa: ANN401
    properties = node.get("properties", {})
    required = set(node.get("required", []))
    extra = node.get("additionalProperties", True)
    if not properties and not required:
        values = shape(extra, root, depth + 1)
        generic: Any = dict
        return None if values is None else generic[str, values]
    if extra is not True or not required <= set(properties) or not all(map(plain, properties)):
        return None
    fields: list[tuple[str, Any, Any]] = []
    for index, (name, schema) in enumerate(properties.items()):
        inner = shape(schema, root, depth + 1)
        if inner is None:
            return None
        named = msgspec.field(name=name)
        if name not in required:
            named = msgspec.field(name=name, default=msgspec.UNSET)
        fields.append((f"f{index}", inner, named))
    return msgspec.defstruct("Nested", fields, kw_only=True, gc=False)


def plain(name: str) -> bool:
    """Return whether `msgspec` can name a field so."""
    return name != "" and not any(
        sign in '"\\' or sign < " " or "\ud800" <= sign <= "\udfff" for sign in name
    )


def choices(schema: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return a type for an `enum` of strings (and null), None for any other schema."""
    values = schema.get("enum")
    if not isinstance(values, list) or constraints(schema) - {"type", "enum"}:
        return None
    names = set(type_names(schema)) or {"string", "null"}
    texts = [value for value in values if isinstance(value, str)]
    others = [value for value in values if not isinstance(value, str)]
    if not texts or any(value is not None for value in others) or "string" not in names:
        return None
    allowed: Any = Literal[tuple(texts)]
    return allowed | None if others and "null" in names else allowed
