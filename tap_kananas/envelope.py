"""Where the records are in an answer of unknown shape.

The envelope of a Kananas answer is not public, so it is found out from the answer itself:
a bare array, an array at any depth of an object, or an object keyed by id.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_kananas.complaint import ERROR_NAMES, Complaint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_kananas.json_text import JsonText

MAX_NAMES = 20

_ID = re.compile(r"^(\d+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$")

# An object with more members than this is no record.
_MAX_MEMBERS = 10_000


class EnvelopeError(ValueError):
    """The records of an answer cannot be told; the message says why, in plain words."""


class Place(NamedTuple):
    """A place in an answer that may hold the records.

    Attributes:
        path: The names that lead there.
        keyed: Whether they are the values of an object whose names are ids.
        size: How many there are.
    """

    path: tuple[str, ...]
    keyed: bool
    size: int

    def __str__(self) -> str:
        """Give the names joined by dots, `$` for the top."""
        return ".".join(self.path) or "$"

    @property
    def words(self) -> str:
        """The place in words."""
        return f"'{self}' (an object keyed by id)" if self.keyed else f"'{self}'"

    def is_named(self, request: str) -> bool:
        """Tell whether it is called as what was asked for."""
        return bool(self.path) and self.path[-1].casefold() == request.casefold()

    @property
    def rank(self) -> int:
        """Filled arrays come first, then objects keyed by id, then empty arrays."""
        return 2 if not self.size else int(self.keyed)


class _Shape:
    """What the members of an object have in common."""

    def __init__(self) -> None:
        self.count = 0
        self.names: dict[str, None] = {}
        self._ids = True
        self._objects = True
        self._common: set[str] | None = None
        self._longest = 0

    def member(self, name: str) -> None:
        self.count += 1
        self._ids = self._ids and _ID.match(name) is not None
        if len(self.names) < _MAX_MEMBERS:
            self.names[name] = None

    def object(self, names: Iterable[str]) -> None:
        """Take note of a value that is an object."""
        found = set(names)
        self._common = found if self._common is None else self._common & found
        self._longest = max(self._longest, len(found))

    def other(self) -> None:
        """Take note of a value that is none."""
        self._objects = False

    @property
    def keyed_by_id(self) -> bool:
        return self.count > 0 and self._ids and self._objects

    @property
    def keyed(self) -> bool:
        """Whether it looks like records under names that are no plain ids."""
        common = len(self._common or ())
        return self.count > 1 and self._objects and 0 < self._longest <= 2 * common


class Survey:
    """What an answer holds, without its records."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.places: list[Place] = []
        self.names: list[str] = []
        self.complaint = Complaint()

    def keep(self, places: Iterable[Place]) -> None:
        """Add places; beyond `MAX_NAMES` of a rank no more are needed to say that it is many."""
        for place in places:
            if sum(place.rank == other.rank for other in self.places) < MAX_NAMES:
                self.places.append(place)

    def choose(self, request: str) -> Place:
        """Give the place of the records.

        What is called as the request is, and stands no deeper than anything else, is what was
        asked for. Otherwise arrays of objects come before objects keyed by id, and filled ones
        before empty ones.

        Args:
            request: What was asked for, such as `contacts`.

        Raises:
            EnvelopeError: If nothing in the answer, or more than one thing, can be the records.
        """
        top = min((len(place.path) for place in self.places), default=0)
        named = [place for place in self.places if place.is_named(request)]
        if len(named) == 1 and len(named[0].path) == top:
            return named[0]
        best = min((place.rank for place in self.places), default=None)
        fitting = [place for place in self.places if place.rank == best]
        if len(fitting) > 1 and fitting[0].size:
            message = f"records may stand at {_quoted(map(str, fitting))}"
            raise EnvelopeError(message)
        if fitting:
            return fitting[0]
        message = "no list of records in it"
        if self.names:
            message += f", only the keys {_quoted(self.names)}"
        raise EnvelopeError(message)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def survey(text: JsonText) -> Survey:
    """Look through a whole answer for places that may hold the records.

    Raises:
        JsonTextError: If the text is no JSON.
    """
    found = Survey()
    found.keep(_walk(text, (), found))
    return found


def _walk(text: JsonText, path: tuple[str, ...], found: Survey | None) -> list[Place]:
    """Read a value and give the places in it; `found` is told about a top-level object."""
    opening = text.peek()
    if opening == "{":
        return _walk_object(text, path, found)[0]
    if opening == "[":
        count, objects = 0, True
        for item in text.items():
            count += 1
            objects = objects and isinstance(item, dict)
        return [Place(path, keyed=False, size=count)] if objects else []
    text.value()
    return []


def _walk_object(
    text: JsonText, path: tuple[str, ...], found: Survey | None
) -> tuple[list[Place], Iterable[str]]:
    """Read an object; give the places in it, and the names of its members."""
    shape = _Shape()
    inner = Survey()
    for name in text.members():
        shape.member(name)
        if found is not None and len(found.names) < MAX_NAMES:
            found.names.append(name)
        opening = text.peek()
        here = (*path, name)
        if found is not None and name.casefold() in ERROR_NAMES:
            shape.other()
            found.complaint.hear(name, text.value())
        elif opening == "{" and shape.keyed_by_id:
            # Probably a record: read as a whole, which is much faster.
            record = text.value()
            shape.object(record)
            inner.keep(_places_in(record, here))
        elif opening == "{":
            places, names = _walk_object(text, here, None)
            shape.object(names)
            inner.keep(places)
        elif opening == "[":
            shape.other()
            inner.keep(_walk(text, here, None))
        else:
            shape.other()
            value = text.value()
            if found is not None:
                found.complaint.hear(name, value)
    if shape.keyed_by_id:
        # What is inside records is no rival.
        return [Place(path, keyed=True, size=shape.count)], shape.names
    if shape.keyed:
        inner.keep([Place(path, keyed=True, size=shape.count)])
    return inner.places, shape.names


def _places_in(value: Any, path: tuple[str, ...]) -> Iterator[Place]:  # noqa: ANN401 - any JSON
    """Yield the places in a decoded value."""
    if isinstance(value, list):
        if all(isinstance(item, dict) for item in value):
            yield Place(path, keyed=False, size=len(value))
    elif isinstance(value, dict):
        shape = _Shape()
        for name, item in value.items():
            shape.member(name)
            if isinstance(item, dict):
                shape.object(item)
            else:
                shape.other()
        if shape.keyed_by_id:
            yield Place(path, keyed=True, size=shape.count)
            return
        for name, item in value.items():
            yield from _places_in(item, (*path, name))
        if shape.keyed:
            yield Place(path, keyed=True, size=shape.count)


def read_records(text: JsonText, path: Sequence[str], key_column: str) -> Iterator[dict[str, Any]]:
    """Read a whole answer, and yield the records at a place in it.

    Args:
        text: The answer, unread.
        path: The names that lead to the place.
        key_column: The column that takes the name under which a record stands, where an
            object holds the records. A record that carries its own key keeps it.

    Raises:
        EnvelopeError: If there are no records at that place.
        JsonTextError: If the text is no JSON.
    """
    yield from _read(text, tuple(path), (), key_column)


def _read(
    text: JsonText, ahead: tuple[str, ...], behind: tuple[str, ...], key_column: str
) -> Iterator[dict[str, Any]]:
    here = ".".join((*behind, *ahead)) or "$"
    opening = text.peek()
    if ahead and opening == "{":
        yield from _read_within(text, ahead, behind, key_column)
    elif ahead:
        message = f"nothing stands at '{here}'"
        raise EnvelopeError(message)
    elif opening == "[":
        for record in text.items():
            yield _checked(record, here)
    elif opening == "{":
        for name in text.members():
            record = _checked(text.value(), here)
            if record.get(key_column) is None:
                record = {key_column: name, **record}
                record[key_column] = name
            yield record
    else:
        _checked(text.value(), here)


def _read_within(
    text: JsonText, ahead: tuple[str, ...], behind: tuple[str, ...], key_column: str
) -> Iterator[dict[str, Any]]:
    """Read an object; yield the records behind its member of the next name."""
    names: list[str] = []
    reached = False
    for name in text.members():
        if len(names) < MAX_NAMES:
            names.append(name)
        if name == ahead[0] and not reached:
            reached = True
            yield from _read(text, ahead[1:], (*behind, name), key_column)
        else:
            text.skip()
    if not reached:
        here, above = ".".join((*behind, *ahead)), ".".join(behind) or "$"
        message = f"nothing stands at '{here}', only {_quoted(names)} at '{above}'"
        raise EnvelopeError(message)


def _checked(record: Any, here: str) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    if not isinstance(record, dict):
        message = f"what stands at '{here}' is no list of records"
        raise EnvelopeError(message)
    return record
