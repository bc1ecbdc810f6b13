"""References within a schema (`$ref`), followed without ever asking anybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable

_NEVER: dict[str, Any] = {"not": {}}
"""What the schema `false` says, as an object."""

_REFERENCES = {"$ref", "$dynamicRef", "$recursiveRef"}
_VALUES = {"const", "default", "enum", "example", "examples"}
"""Keywords that hold values, not schemas."""


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


def without_lost(schema: dict[str, Any], lost: Callable[[str], None]) -> dict[str, Any]:
    """Return a schema without the references that lead nowhere in it, which then say nothing.

    A validator would fetch some of them from the network or the disk, and fail on the others in
    the middle of the load.

    Args:
        schema: The stream's schema.
        lost: Told each reference that is left out.
    """

    def cleaned(node: Any) -> Any:  # noqa: ANN401
        if isinstance(node, list):
            return [cleaned(item) for item in node]
        if not isinstance(node, dict):
            return node
        gone = {key for key in _REFERENCES & node.keys() if _is_lost(node[key], schema)}
        for key in gone:
            lost(node[key])
        return {
            key: value if key in _VALUES else cleaned(value)
            for key, value in node.items()
            if key not in gone
        }

    return {key: value if key in _VALUES else cleaned(value) for key, value in schema.items()}
