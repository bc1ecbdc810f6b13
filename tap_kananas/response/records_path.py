"""Where the records are in a response of unknown shape.

The envelope of a Kananas response is not public, so it is found out from the response itself:
a bare array, an array at any depth of an object, or an object keyed by id.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_kananas.response.error_response import ERROR_NAMES, ErrorResponse
from tap_kananas.response.more_pages import note_beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_kananas.response.json_stream import JsonStream

MAX_NAMES = 20

_ID = re.compile(r"^(\d+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$")

# An object with more members than this is no record.
_MAX_MEMBERS = 10_000


class RecordsPathError(ValueError):
    """The records of a response cannot be told; the message says why, in plain words."""


class RecordsPath(NamedTuple):
    """A place in a response that may hold the records.

    Attributes:
        names: The names that lead there.
        keyed: Whether they are the values of an object whose names are ids.
        size: How many there are.
    """

    names: tuple[str, ...]
    keyed: bool
    size: int

    def __str__(self) -> str:
        """Return the names joined by dots, `$` for the top."""
        return ".".join(self.names) or "$"

    @property
    def description(self) -> str:
        """The path in words."""
        return f"'{self}' (an object keyed by id)" if self.keyed else f"'{self}'"

    def is_named(self, request: str) -> bool:
        """Return whether it is called as what was asked for."""
        return bool(self.names) and self.names[-1].casefold() == request.casefold()

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


class Candidates:
    """What a response holds, without its records."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.paths: list[RecordsPath] = []
        self.names: list[str] = []
        self.error_response = ErrorResponse()

    def keep(self, paths: Iterable[RecordsPath]) -> None:
        """Add paths; beyond `MAX_NAMES` of a rank no more are needed to say that it is many."""
        for path in paths:
            if sum(path.rank == other.rank for other in self.paths) < MAX_NAMES:
                self.paths.append(path)

    def choose(self, request: str) -> RecordsPath:
        """Return the path of the records.

        What is called as the request is, and stands no deeper than anything else, is what was
        asked for. Otherwise arrays of objects come before objects keyed by id, and filled ones
        before empty ones.

        Args:
            request: What was asked for, such as `contacts`.

        Raises:
            RecordsPathError: If nothing in the response can be the records, or several things.
        """
        top = min((len(path.names) for path in self.paths), default=0)
        named = [path for path in self.paths if path.is_named(request)]
        if len(named) == 1 and len(named[0].names) == top:
            return named[0]
        best = min((path.rank for path in self.paths), default=None)
        fitting = [path for path in self.paths if path.rank == best]
        if len(fitting) > 1 and fitting[0].size:
            message = f"records may stand at {_quoted(map(str, fitting))}"
            raise RecordsPathError(message)
        if fitting:
            return fitting[0]
        message = "no list of records in it"
        if self.names:
            message += f", only the keys {_quoted(self.names)}"
        raise RecordsPathError(message)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def find_candidates(text: JsonStream) -> Candidates:
    """Look through a whole response for paths that may hold the records.

    Raises:
        JsonStreamError: If the text is no JSON.
    """
    found = Candidates()
    found.keep(_scan(text, (), found))
    return found


def _scan(text: JsonStream, path: tuple[str, ...], found: Candidates | None) -> list[RecordsPath]:
    """Read a value, and return the paths in it; `found` is told about a top-level object."""
    opening = text.peek()
    if opening == "{":
        return _scan_object(text, path, found)[0]
    if opening == "[":
        count, objects = 0, True
        for item in text.items():
            count += 1
            objects = objects and isinstance(item, dict)
        return [RecordsPath(path, keyed=False, size=count)] if objects else []
    text.value()
    return []


def _scan_object(
    text: JsonStream, path: tuple[str, ...], found: Candidates | None
) -> tuple[list[RecordsPath], Iterable[str]]:
    """Read an object; return the paths in it, and the names of its members."""
    shape = _Shape()
    inner = Candidates()
    for name in text.members():
        shape.member(name)
        if found is not None and len(found.names) < MAX_NAMES:
            found.names.append(name)
        opening = text.peek()
        here = (*path, name)
        if found is not None and name.casefold() in ERROR_NAMES:
            shape.other()
            found.error_response.add(name, text.value())
        elif opening == "{" and shape.keyed_by_id:
            # Probably a record: read as a whole, which is much faster.
            record = text.value()
            shape.object(record)
            inner.keep(_paths_in(record, here))
        elif opening == "{":
            paths, names = _scan_object(text, here, None)
            shape.object(names)
            inner.keep(paths)
        elif opening == "[":
            shape.other()
            inner.keep(_scan(text, here, None))
        else:
            shape.other()
            value = text.value()
            if found is not None:
                found.error_response.add(name, value)
    if shape.keyed_by_id:
        # What is inside records is no rival.
        return [RecordsPath(path, keyed=True, size=shape.count)], shape.names
    if shape.keyed:
        inner.keep([RecordsPath(path, keyed=True, size=shape.count)])
    return inner.paths, shape.names


def _paths_in(value: Any, path: tuple[str, ...]) -> Iterator[RecordsPath]:  # noqa: ANN401 - any JSON
    """Yield the paths in a decoded value."""
    if isinstance(value, list):
        if all(isinstance(item, dict) for item in value):
            yield RecordsPath(path, keyed=False, size=len(value))
    elif isinstance(value, dict):
        shape = _Shape()
        for name, item in value.items():
            shape.member(name)
            if isinstance(item, dict):
                shape.object(item)
            else:
                shape.other()
        if shape.keyed_by_id:
            yield RecordsPath(path, keyed=True, size=shape.count)
            return
        for name, item in value.items():
            yield from _paths_in(item, (*path, name))
        if shape.keyed:
            yield RecordsPath(path, keyed=True, size=shape.count)


def read_records(
    text: JsonStream, path: Sequence[str], key_column: str, beside: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Read a whole response, and yield the records at a path in it.

    Args:
        text: The response, unread.
        path: The names that lead to the path.
        key_column: The column that takes the name under which a record stands, where an
            object holds the records. A record that carries its own key keeps it.
        beside: Takes what stands beside the records and may be about pages.

    Raises:
        RecordsPathError: If there are no records at that path.
        JsonStreamError: If the text is no JSON.
    """
    yield from _read(text, tuple(path), (), key_column, beside)


def _read(
    text: JsonStream,
    ahead: tuple[str, ...],
    behind: tuple[str, ...],
    key_column: str,
    beside: dict[str, Any],
) -> Iterator[dict[str, Any]]:
    here = ".".join((*behind, *ahead)) or "$"
    opening = text.peek()
    if ahead and opening == "{":
        yield from _read_within(text, ahead, behind, key_column, beside)
    elif ahead:
        message = f"nothing stands at '{here}'"
        raise RecordsPathError(message)
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
    text: JsonStream,
    ahead: tuple[str, ...],
    behind: tuple[str, ...],
    key_column: str,
    beside: dict[str, Any],
) -> Iterator[dict[str, Any]]:
    """Read an object; yield the records behind its member of the next name."""
    names: list[str] = []
    reached = False
    for name in text.members():
        if len(names) < MAX_NAMES:
            names.append(name)
        if name == ahead[0] and not reached:
            reached = True
            yield from _read(text, ahead[1:], (*behind, name), key_column, beside)
        else:
            note_beside(text, (*behind, name), beside)
    if not reached:
        here, above = ".".join((*behind, *ahead)), ".".join(behind) or "$"
        message = f"nothing stands at '{here}', only {_quoted(names)} at '{above}'"
        raise RecordsPathError(message)


def _checked(record: Any, here: str) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    if not isinstance(record, dict):
        message = f"what stands at '{here}' is no list of records"
        raise RecordsPathError(message)
    return record
