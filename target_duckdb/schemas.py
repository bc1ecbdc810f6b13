"""Every form of JSON Schema that taps send, as the one that the rest of the loader knows.

Drafts 3 and 4 become what they mean today, references are followed within the schema (nothing is
ever fetched), and schemas are made ready for the SDK's flattening.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from target_duckdb.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TOO_MANY = "the references of the schema multiply beyond measure; name its properties one by one"
_NEVER: dict[str, Any] = {"not": {}}
"""What the schema `false` says, as an object."""

_MOST_SCHEMAS = 100_000
"""A schema whose references multiply to more is refused: four kilobytes may stand for billions."""

_MOST_VARIANTS = 1_000

_REFERENCES = {"$ref", "$dynamicRef", "$recursiveRef"}
_VALUES = {"const", "default", "enum", "example", "examples"}
"""Keywords that hold values, not schemas."""

_MAPS = {
    "properties", "patternProperties", "definitions", "$defs", "dependentSchemas", "dependencies",
}  # fmt: skip
"""Keywords that hold schemas by name: the names are no keywords."""


def resolve(schema: Any, root: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Follow a local reference (`#/definitions/…`).

    Returns:
        The schema it leads to, one without a reference as it is; `{}` for one that leads nowhere
        or in a circle.
    """
    seen: set[str] = set()
    while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        reference = schema["$ref"]
        if reference in seen:
            return {}
        seen.add(reference)
        schema = _look_up(reference, root)
    if schema is False:
        return _NEVER
    return schema if isinstance(schema, dict) else {}


def _look_up(reference: str, root: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return what stands at a JSON pointer (RFC 6901), None where nothing does."""
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        return None
    node: Any = root
    for step in unquote(reference[2:]).split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and key.isdecimal() and int(key) < len(node):
            node = node[int(key)]
        else:
            node = node.get(key) if isinstance(node, dict) else None
    return node


def _is_lost(reference: object, root: dict[str, Any]) -> bool:
    return isinstance(reference, str) and not isinstance(_look_up(reference, root), (dict, bool))


def variants(
    schema: Any,  # noqa: ANN401
    root: dict[str, Any],
    within: frozenset[str] = frozenset(),
) -> list[dict[str, Any]]:
    """Split a property's schema into alternatives of one type each.

    Args:
        schema: The property's schema.
        root: The stream's schema, in which references are looked up.
        within: The references that led here; one that leads here again says nothing more.

    Returns:
        Copies of the schema with `type` a single name. An alternative whose type cannot be told
        has no `type`.
    """
    found = list(islice(_variants(schema, root, within), _MOST_VARIANTS + 1))
    if len(found) > _MOST_VARIANTS:
        raise SchemaError(_TOO_MANY)
    return found


def _variants(
    schema: Any,  # noqa: ANN401
    root: dict[str, Any],
    within: frozenset[str],
) -> Iterator[dict[str, Any]]:
    node = resolve(schema, root)
    declared = node.get("type")
    if declared is not None:
        names = declared if isinstance(declared, list) else [declared]
        yield from ({**node, "type": name} for name in names)
        return
    for keyword in ("allOf", "anyOf", "oneOf"):
        if isinstance(node.get(keyword), list):
            rest = {key: value for key, value in node.items() if key != keyword}
            options = _options(node[keyword], root, within)
            if keyword == "allOf":
                # What has to meet all of them has a type that any of them tells.
                merged = {key: value for option, _ in options for key, value in option.items()}
                inner = within.union(*(references for _, references in options))
                yield from _variants({**rest, **merged}, root, inner)
                return
            for option, inner in options:
                yield from _variants({**rest, **option}, root, inner)
            return
    yield {key: value for key, value in node.items() if key != "type"}


def _options(
    schemas: list[Any], root: dict[str, Any], within: frozenset[str]
) -> list[tuple[dict[str, Any], frozenset[str]]]:
    """Follow each schema's reference, if it is not among those that led here; add it to them."""
    found = []
    for option in schemas:
        reference = option.get("$ref") if isinstance(option, dict) else None
        if reference not in within:
            inner = within if reference is None else within | {reference}
            found.append((resolve(option, root), inner))
    return found


# Drafts 3 and 4, and references that lead nowhere


def normalized(schema: dict[str, Any], lost: Callable[[str], None]) -> dict[str, Any]:
    """Return a stream's schema in the words of today's JSON Schema.

    Args:
        schema: The stream's schema, of any draft.
        lost: Told each reference that is left out: one that leads nowhere in the schema says
            nothing. A validator would fetch it from the network or the disk, or fail in the middle.

    Raises:
        SchemaError: Its references multiply beyond measure.
    """
    result: dict[str, Any] = _modern(schema, schema, lost)
    if _size(result, result, {}) > _MOST_SCHEMAS:
        raise SchemaError(_TOO_MANY)
    return result


def _members(node: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    properties = node.get("properties")
    pairs = properties.items() if isinstance(properties, dict) else ()
    return [(name, each) for name, each in pairs if isinstance(each, dict)]


def _modern(node: Any, root: dict[str, Any], lost: Callable[[str], None]) -> Any:  # noqa: ANN401
    """Return a schema, or what holds schemas, in the words of today."""
    if isinstance(node, list):
        return [_modern(item, root, lost) for item in node]
    if not isinstance(node, dict):
        return node
    result: dict[str, Any] = {}
    for key, value in node.items():
        if value is None and key != "const":
            continue  # no other keyword means anything by null
        if key in _REFERENCES and _is_lost(value, root):
            lost(value)
        elif key in _VALUES:
            result[key] = value
        elif key in _MAPS and isinstance(value, dict):
            result[key] = {name: _modern(each, root, lost) for name, each in value.items()}
        else:
            result[key] = _modern(value, root, lost)
    _replace_bounds(result)
    _replace_required(result, node)
    _replace_types(result)
    _replace_tuples(result)
    if "divisibleBy" in result:
        result.setdefault("multipleOf", result.pop("divisibleBy"))
    if "extends" in result:
        extended = result.pop("extends")
        extended = extended if isinstance(extended, list) else [extended]
        result["allOf"] = [*result.get("allOf", []), *extended]
    return result


def _replace_bounds(node: dict[str, Any]) -> None:
    """Replace `exclusiveMaximum: true`, which until draft 4 made `maximum` exclusive."""
    for bound in ("maximum", "minimum"):
        name = f"exclusive{bound.capitalize()}"
        if isinstance(node.get(name), bool) and node.pop(name) and bound in node:
            node[name] = node.pop(bound)


def _replace_required(node: dict[str, Any], original: dict[str, Any]) -> None:
    """Replace `required: true`, which in draft 3 stood in the property itself."""
    if isinstance(node.get("required"), bool):
        del node["required"]
    names = [name for name, each in _members(original) if each.get("required") is True]
    if names:
        listed = node.get("required")
        node["required"] = [*dict.fromkeys([*(listed if isinstance(listed, list) else []), *names])]


def _replace_tuples(node: dict[str, Any]) -> None:
    """Replace lists in `items`, and `dependencies`, which have other names since draft 2019."""
    if isinstance(node.get("items"), list):
        node["prefixItems"] = node.pop("items")
        if "additionalItems" in node:
            node["items"] = node.pop("additionalItems")
    dependencies = node.get("dependencies")
    if isinstance(dependencies, dict):
        del node["dependencies"]
        for name, needed in dependencies.items():
            is_schema = isinstance(needed, (dict, bool))
            keyword = "dependentSchemas" if is_schema else "dependentRequired"
            names = needed if is_schema or isinstance(needed, list) else [needed]
            node.setdefault(keyword, {})[name] = names


def _replace_types(node: dict[str, Any]) -> None:
    """Replace what may stand in `type` and `disallow` in draft 3: `any`, and schemas."""
    if isinstance(node.get("type"), list):
        once: list[Any] = []
        for each in node["type"]:
            once += [] if each in once else [each]
        node["type"] = once
    if "type" in node:
        options = _as_schemas(node["type"])
        if options is None:
            pass
        elif {} in options:
            del node["type"]
        else:
            del node["type"]
            node["allOf"] = [*node.get("allOf", []), {"anyOf": options}]
            if len(node["allOf"]) == 1:
                node.update(node.pop("allOf")[0])
    if "disallow" in node:
        refused = node.pop("disallow")
        names = refused if isinstance(refused, list) else [refused]
        options = [_as_schema(each) for each in names]
        node["allOf"] = [*node.get("allOf", []), {"not": {"anyOf": options}}]


def _as_schemas(declared: Any) -> list[Any] | None:  # noqa: ANN401
    """Return a `type` of draft 3 as schemas, None where all of it are names of today."""
    names = declared if isinstance(declared, list) else [declared]
    if not any(name == "any" or isinstance(name, dict) for name in names):
        return None
    return [_as_schema(each) for each in names]


def _as_schema(kind: Any) -> Any:  # noqa: ANN401
    if isinstance(kind, dict):
        return kind
    return {} if kind == "any" else {"type": kind}


def _size(node: Any, root: dict[str, Any], known: dict[str, int]) -> int:  # noqa: ANN401
    """Return how many schemas there are once each reference is replaced by what it leads to."""
    if isinstance(node, list):
        return sum(_size(item, root, known) for item in node)
    if not isinstance(node, dict):
        return 0
    size = 1 + sum(_size(each, root, known) for key, each in node.items() if key not in _VALUES)
    reference = node.get("$ref")
    if isinstance(reference, str):
        if reference not in known:
            known[reference] = 1  # a circle goes round once
            known[reference] = _size(_look_up(reference, root), root, known)
        size += known[reference]
    return size


# Flattening


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
