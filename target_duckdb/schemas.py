"""Every form of JSON Schema that taps send, as the one that the rest of the loader knows.

Drafts 3 and 4 become what they mean today, references are followed within the schema (nothing is
ever fetched), and schemas are made ready for the SDK's flattening.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urljoin

from target_duckdb.message_errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeGuard

_TOO_MANY = "the references of the schema multiply beyond measure; name its properties one by one"
_NEVER: dict[str, Any] = {"not": {}}
"""What the schema `false` says, as an object."""

_MOST_SCHEMAS = 100_000
"""A schema whose references multiply to more is refused: four kilobytes may stand for billions."""

_MOST_VARIANTS = 1_000

_MOVED = "moved-"
_REFERENCES = {"$ref", "$dynamicRef", "$recursiveRef"}
_IDENTIFIERS = {"$id", "$schema", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary"}
"""Keywords that references may name; these are replaced by JSON pointers."""

_NOTES = {"$comment", "$schema", "$id", "id", "title", "description", "type"}
_VALUES = {"const", "default", "enum", "example", "examples"}
"""Keywords that hold values, not schemas."""

_COUNTS = {
    "maxContains", "maxItems", "maxLength", "maxProperties",
    "minContains", "minItems", "minLength", "minProperties",
}  # fmt: skip
"""Keywords of a number that may be written as `5.0`."""

_MAPS = {
    "properties", "patternProperties", "definitions", "$defs", "dependentSchemas", "dependencies",
}  # fmt: skip
"""Keywords that hold schemas by name: the names are no keywords."""

_LISTS = {"allOf", "anyOf", "oneOf", "prefixItems"}
"""Keywords that hold schemas in a list."""

_SINGLE = {
    "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not",
    "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
}  # fmt: skip
"""Keywords that hold one schema."""


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
        if not all(isinstance(name, str) for name in names):
            msg = "the schema is no valid JSON schema: a 'type' of it is no name of a type"
            raise SchemaError(msg)
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

    Returns:
        The schema with `properties`, where it or what it refers to has any. Its references are
        JSON pointers from its root.

    Raises:
        SchemaError: Its references multiply beyond measure.
    """
    references = _References(schema, lost)
    result: dict[str, Any] = _modern(schema, references)
    references.keep_moved(result)
    if _size(result, result, {}) > _MOST_SCHEMAS:
        raise SchemaError(_TOO_MANY)
    return _with_properties(result)


class _References:
    """Where the references of a schema lead: to JSON pointers, anchors and identifiers in it."""

    def __init__(self, root: dict[str, Any], lost: Callable[[str], None]) -> None:
        """Find all identifiers.

        Args:
            root: The stream's schema, as it came.
            lost: Told each reference that leads nowhere.
        """
        self._root = root
        self._lost = lost
        #: The JSON pointer of each identifier, as it is spelled and as an address.
        self._pointers: dict[str, str] = {}
        self._bases = {"#": ""}
        self._find(root, "#", "#")

    def _find(self, node: Any, pointer: str, resource: str) -> None:  # noqa: ANN401
        if isinstance(node, list):
            for index, item in enumerate(node):
                self._find(item, f"{pointer}/{index}", resource)
        if not isinstance(node, dict):
            return
        resource = self._identify(node, pointer, resource)
        for key, value in node.items():
            if key in _MAPS and isinstance(value, dict):
                for name, each in value.items():
                    self._find(each, f"{pointer}/{key}/{_step(name)}", resource)
            elif key not in _VALUES:
                self._find(value, f"{pointer}/{_step(key)}", resource)

    def _identify(self, node: dict[str, Any], pointer: str, resource: str) -> str:
        """Note the identifiers of a schema; return the pointer that those below it begin at."""
        for name in ("$id", "id"):
            identifier = node.get(name)
            if not isinstance(identifier, str) or identifier.startswith("#/"):
                continue
            address = _joined(self._bases[resource], identifier)
            for spelled in (identifier, address):
                self._pointers.setdefault(spelled.removesuffix("#"), pointer)
            if not identifier.startswith("#"):
                resource = pointer
                self._bases[resource] = address.removesuffix("#")
        for name in ("$anchor", "$dynamicAnchor"):
            if isinstance(node.get(name), str):
                for spelled in (f"{self._bases[resource]}#{node[name]}", f"#{node[name]}"):
                    self._pointers.setdefault(spelled, pointer)
        return resource

    def resource(self, pointer: str, default: str) -> str:
        """Return the pointer that others below this one begin at, if it is that of a resource."""
        return pointer if pointer in self._bases else default

    def followed(self, reference: str, resource: str) -> str | None:
        """Return the JSON pointer that a reference leads to; tell and return None for nowhere.

        Args:
            reference: As the schema has it.
            resource: The pointer of the schema with an identifier that it stands in.
        """
        for pointer in self._candidates(reference, resource):
            if isinstance(_look_up(pointer, self._root), (dict, bool)):
                return pointer
        self._lost(reference)
        return None

    def _candidates(self, reference: str, resource: str) -> Iterator[str]:
        if reference.startswith("#/"):
            yield resource + reference[1:]
            yield reference
        if reference == "#":
            yield resource
        for spelled in (_joined(self._bases[resource], reference), reference):
            address, _, fragment = spelled.partition("#")
            if spelled.removesuffix("#") in self._pointers:
                yield self._pointers[spelled.removesuffix("#")]
            if address in self._pointers and fragment.startswith("/"):
                yield self._pointers[address] + fragment

    def keep_moved(self, schema: dict[str, Any]) -> None:
        """Keep what references lead to where the words of today have it at another place.

        Args:
            schema: The schema in the words of today, whose references are changed.
        """
        moved: dict[str, str] = {}
        pending: list[Any] = [schema]
        while pending:
            node = pending.pop()
            if isinstance(node, list):
                pending.extend(node)
            if not isinstance(node, dict):
                continue
            reference = node.get("$ref")
            if isinstance(reference, str) and reference not in moved:
                if isinstance(_look_up(reference, schema), (dict, bool)):
                    moved[reference] = reference
                else:
                    name = f"{_MOVED}{len(moved)}"
                    moved[reference] = f"#/$defs/{name}"
                    target = _modern(_look_up(reference, self._root), self, "#", reference)
                    definitions = schema.get("$defs")
                    if not isinstance(definitions, dict):
                        definitions = schema["$defs"] = {}
                    definitions[name] = target
                    pending.append(target)
            if isinstance(reference, str):
                node["$ref"] = moved[reference]
            pending.extend(value for key, value in node.items() if key not in _VALUES)


def is_whole(value: object) -> TypeGuard[float | Decimal]:
    """Return whether a value of a schema is an integer, however it is written."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return False
    return isinstance(value, int) or (math.isfinite(value) and int(value) == value)


def _joined(base: str, identifier: str) -> str:
    try:
        return urljoin(base, identifier)
    except ValueError:  # no address at all, such as `http://[`
        return identifier


def _step(name: str) -> str:
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~$", errors="surrogatepass")


def _with_properties(root: dict[str, Any]) -> dict[str, Any]:
    """Return a stream's schema with the properties that stand in what it refers to or combines."""
    reference = root.get("$ref")
    if isinstance(reference, str) and not constraining(root) - {"$ref", "$defs", "definitions"}:
        # As if it stood here: records of such a schema take the fast way.
        target = {**resolve(root, root)}
        root = {**{name: root[name] for name in root if name != "$ref"}, **target, **_names(root)}
    properties = _combined(root, root, frozenset())
    return {**root, "properties": properties} if properties is not None else root


def _names(root: dict[str, Any]) -> dict[str, Any]:
    return {name: root[name] for name in ("$defs", "definitions") if name in root}


def constraining(node: dict[str, Any]) -> set[str]:
    """Return the keywords of a schema that are no notes of people."""
    return {name for name in node if name not in _NOTES}


def _combined(
    node: Any,  # noqa: ANN401
    root: dict[str, Any],
    within: frozenset[str],
) -> dict[str, Any] | None:
    """Return the properties that a schema names, None where it names none, not even no one."""
    if not isinstance(node, dict):
        return None
    named = node.get("properties")
    result = dict(named) if isinstance(named, dict) else None
    parts: list[tuple[Any, bool]] = []
    reference = node.get("$ref")
    if isinstance(reference, str) and reference not in within:
        within |= {reference}
        parts.append((_look_up(reference, root), False))
    for keyword in ("allOf", "anyOf", "oneOf"):
        if isinstance(node.get(keyword), list):
            parts += [(part, keyword != "allOf") for part in node[keyword]]
    others: dict[str, list[Any]] = {}
    for part, is_option in parts:
        found = _combined(part, root, within)
        if found is None:
            continue
        result = {} if result is None else result
        for name, schema in found.items():
            if name in others and schema not in others[name]:
                others[name].append(schema)
                keyword = "anyOf" if is_option else "allOf"
                result[name] = {keyword: others[name]}
            elif name not in result:
                others[name] = [schema]
                result[name] = schema
    return result


def _members(node: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    properties = node.get("properties")
    pairs = properties.items() if isinstance(properties, dict) else ()
    return [(name, each) for name, each in pairs if isinstance(each, dict)]


def _modern(
    node: Any,  # noqa: ANN401
    references: _References,
    resource: str = "#",
    pointer: str = "#",
) -> Any:  # noqa: ANN401
    """Return a schema, or what holds schemas, in the words of today.

    Args:
        node: The schema.
        references: Where its references lead.
        resource: The pointer of the schema with an identifier that it stands in.
        pointer: The pointer of the schema.
    """
    if isinstance(node, list):
        return [
            _modern(item, references, resource, f"{pointer}/{index}")
            for index, item in enumerate(node)
        ]
    if not isinstance(node, dict):
        return node
    resource = references.resource(pointer, resource)
    result: dict[str, Any] = {}
    for key, value in node.items():
        # No keyword but `const` means anything by null.
        if key not in _IDENTIFIERS and (value is not None or key == "const"):
            result |= _modern_member(key, value, references, resource, pointer)
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
    return _nullable(result)


def _modern_member(
    key: str,
    value: Any,  # noqa: ANN401
    references: _References,
    resource: str,
    pointer: str,
) -> dict[str, Any]:
    """Return what becomes of a keyword, nothing for a reference that leads nowhere."""
    if key in _REFERENCES and isinstance(value, str):
        found = references.followed(value, resource)
        return {} if found is None else {"$ref": found}
    if key in _COUNTS and is_whole(value):
        return {key: int(value)}
    if key in _VALUES:
        return {key: value}
    inner = f"{pointer}/{_step(key)}"
    if key not in _MAPS or not isinstance(value, dict):
        return {key: _modern(value, references, resource, inner)}
    # What is said of a property by null is nothing, as by `true`, which the SDK's stream maps do
    # not know. Errors name the place of what an object refuses, and not of what `false` does.
    schemas = {
        name: {} if each is None or each is True else _NEVER if each is False else each
        for name, each in value.items()
    }
    return {
        key: {
            name: _modern(each, references, resource, f"{inner}/{_step(name)}")
            for name, each in schemas.items()
        }
    }


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    """Replace `nullable: true`, by which OpenAPI says that null may come as well."""
    if not isinstance(node.get("nullable"), bool) or not node.pop("nullable"):
        return node
    if isinstance(node.get("enum"), list) and None not in node["enum"]:
        node["enum"] = [*node["enum"], None]
    if "type" in node:
        names = node["type"] if isinstance(node["type"], list) else [node["type"]]
        return {**node, "type": [*names, *(["null"] if "null" not in names else [])]}
    return {"anyOf": [node, {"type": "null"}]} if constraining(node) else node


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
        for each in ("null" if name is None else name for name in node["type"]):
            once += [] if each in once else [each]
        node["type"] = once
        if not once:
            del node["type"]  # no name of a type says nothing
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


# Keywords that make no sense


def keyword_place(path: list[Any]) -> tuple[list[Any], str | None]:
    """Tell the schema from the keyword in it that a path leads to, or into.

    Args:
        path: Names and numbers from the root of a schema, as a validator of schemas gives them.

    Returns:
        The path of the innermost schema, and the name of its keyword, None for the schema itself.
    """
    at = 0
    while at < len(path):
        keyword, has_more = path[at], at + 1 < len(path)
        if has_more and keyword in _MAPS | _LISTS:
            at += 2
        elif has_more and keyword in _SINGLE:
            at += 1
        else:
            return path[:at], keyword
    return path, None


def leave_out(schema: dict[str, Any], steps: list[Any], keyword: str | None) -> None:
    """Take a keyword out of a schema within another; the schema itself, where None is named."""
    *outer, last = [*steps, keyword] if keyword is not None else steps
    node: Any = schema
    for step in outer:
        node = node[step] if isinstance(node, list) or step in node else {}
    if keyword is not None:
        node.pop(last, None)
    else:
        node[last] = {}


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
