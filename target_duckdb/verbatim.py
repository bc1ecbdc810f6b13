"""Lines that need not be written anew, since they come out of a decoder as they went in.

Where a schema leaves open what an object or a list holds, `msgspec` makes dictionaries of it. Into
structures with the names that the first lines have it decodes twice as fast, and encodes as well.
They are a guess, so lines count as read only where they come out of it letter by letter. All others
take the usual way. Lines with other spaces than the encoder's never do, and are tried a few times.

Saves a quarter of the CPU for 150,000 companies in batch files: 5.9 s became 4.5 s.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import msgspec
from msgspec import UNSET

from target_duckdb import shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ENOUGH_ROWS = 8
_GUESSES = 3
_MISSES = 3
_MOST_NAMES = 100
"""Objects of more names are taken for tables, whose names are values as well."""

_DEEPEST = 10
_KINDS = {type(None): "null", bool: "boolean", int: "integer", str: "string"}
"""A number with a fraction is none of these: how it is spelled has to be looked at."""


class Guess:
    """A decoder guessed from lines, and whether it still is worth a try.

    Attributes:
        decoder: Decodes lines such as those it was guessed from; None before, and when it failed.
    """

    def __init__(
        self, known: Mapping[str, Any], build: Callable[[Sequence[str], Mapping[str, Any]], Any]
    ) -> None:
        """Begin with no guess.

        Args:
            known: The type of each property, by name.
            build: Makes a decoder of names in their order, and their types.
        """
        self.decoder: Any = None
        self._known = known
        self._build = build
        self._left = _GUESSES if all(map(spells_alike, known.values())) else 0
        self._misses = 0

    def tell(self, *, is_right: bool) -> None:
        """Note whether lines came out as they went in."""
        self._misses = 0 if is_right else self._misses + 1
        if self._misses == _MISSES:
            self.decoder = None

    def learn(self, lines: bytes, rows: list[Any], attributes: Mapping[str, str]) -> None:
        """Guess a decoder, where there is none.

        Args:
            lines: Lines that the usual decoder took.
            rows: What it made of them.
            attributes: The attribute of each property, by name.
        """
        if self.decoder is not None or not self._left or len(rows) < _ENOUGH_ROWS:
            return
        self._left -= 1
        self._misses = 0
        found = list(msgspec.json.decode(lines.partition(b"\n")[0], type=dict[str, msgspec.Raw]))
        names = [name for name in found if name in self._known]
        types = {
            name: likely_type(known, [getattr(row, attributes[name]) for row in rows])
            if is_open(known)
            else known
            for name, known in self._known.items()
        }
        self.decoder = self._build([*names, *(self._known.keys() - set(names))], types)


def is_open(known: Any) -> bool:  # noqa: ANN401
    """Return whether a type takes any object, or any list."""
    return any(part in {dict[str, Any], list[Any]} for part in shapes.alternatives(known))


def likely_type(known: Any, values: Sequence[Any]) -> Any:  # noqa: ANN401
    """Return a type that takes nothing but what an open type takes, and is decoded faster.

    Args:
        known: Takes any object, any list or both, or null as well.
        values: Some that it took; UNSET counts for nothing.
    """
    node = _schema([value for value in values if value is not UNSET], 0)
    names = [name for name in node.get("type", ()) if name in {"array", "object"}]
    if not names:
        return known
    if type(None) in shapes.alternatives(known):
        names.append("null")
    return shapes.shape({**node, "type": names}, {}) or known


def _schema(values: list[Any], depth: int) -> dict[str, Any]:
    """Return a schema of values such as these; an empty one where anything may come."""
    kinds = set(map(type, values))
    if kinds <= {type(None)} or not kinds <= {*_KINDS, list, dict} or depth == _DEEPEST:
        return {}
    node: dict[str, Any] = {"type": list(_KINDS.values())}
    if list in kinds:
        node["type"].append("array")
        items = chain.from_iterable(value for value in values if type(value) is list)
        node["items"] = _schema(list(items), depth + 1)
    if dict in kinds:
        node["type"].append("object")
        objects = [value for value in values if type(value) is dict]
        names = dict.fromkeys(chain.from_iterable(objects))
        if len(names) > _MOST_NAMES:
            return {}
        node["properties"] = {
            name: _schema([each[name] for each in objects if name in each], depth + 1)
            for name in names
        }
    return node


def spells_alike(known: Any) -> bool:  # noqa: ANN401
    """Return whether numbers of a type can be looked at: a `float` may be spelled in many ways."""
    if get_origin(known) is Literal:
        return True
    if isinstance(known, type) and issubclass(known, msgspec.Struct):
        return all(spells_alike(field.type) for field in msgspec.structs.fields(known))
    return known is not float and all(map(spells_alike, get_args(known)))
