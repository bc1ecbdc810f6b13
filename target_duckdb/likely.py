"""What values look like that a schema leaves open, told from some of them.

A decoder that knows what to expect makes a structure where it would make a dictionary, in half the
time. It is a guess: whoever uses it has to see whether a value came out as it went in.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, get_args

from msgspec import UNSET

from target_duckdb.shapes import shape

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXPECTED = {type(None), bool, int, str, list, dict}
"""The spelling of any other number has to be looked at."""

_MAX_DEPTH = 10
_MOST_NAMES = 100
"""Objects with more names are taken for tables, whose names are values as well."""


def likely_type(known: Any, values: Iterable[Any]) -> Any:  # noqa: ANN401
    """Return a type for `msgspec` that takes nothing but what another takes, and is decoded faster.

    Args:
        known: Takes any object or any array, or both, or null as well.
        values: Some that it took; UNSET counts for nothing.
    """
    node = _schema([value for value in values if value is not UNSET])
    types = [name for name in node.get("type", ()) if name in {"array", "object"}]
    if not types:
        return known
    if type(None) in get_args(known):
        types.append("null")
    return shape({**node, "type": types}, {}) or known


def _schema(values: list[Any], depth: int = 0) -> dict[str, Any]:
    """Return a schema of values such as these; where nothing is known of them, one of any."""
    kinds = set(map(type, values))
    if kinds <= {type(None)} or not kinds <= _EXPECTED or depth == _MAX_DEPTH:
        return {}
    node: dict[str, Any] = {"type": ["null", "boolean", "integer", "string"]}
    if list in kinds:
        node["type"].append("array")
        lists = [value for value in values if type(value) is list]
        node["items"] = _schema(list(chain.from_iterable(lists)), depth + 1)
    if dict in kinds:
        node["type"].append("object")
        objects = [value for value in values if type(value) is dict]
        names = dict.fromkeys(chain.from_iterable(objects))
        if len(names) <= _MOST_NAMES:
            node["properties"] = {
                name: _schema([each[name] for each in objects if name in each], depth + 1)
                for name in names
            }
        else:
            inner = list(chain.from_iterable(each.values() for each in objects))
            node["additionalProperties"] = _schema(inner, depth + 1)
    return node
