"""Where the records are in an answer of unknown shape.

The envelope of a Kananas answer is not public, so it is found out from the answer itself:
a bare array, an array at any depth of an object, or an object keyed by id.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Json = dict[str, Any] | list[Any] | str | float | bool | None

_ID = re.compile(r"^(\d+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$")


class EnvelopeError(ValueError):
    """The records of an answer cannot be told; the message says why, in plain words."""


class Found(NamedTuple):
    """The records of an answer.

    `path` is their place, keys joined by dots, `$` for the top. With `keyed`, they are the
    values of an object whose keys are ids.
    """

    path: str
    keyed: bool
    records: list[dict[str, Any]]


def _is_array_of_objects(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _is_keyed_by_id(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(
        isinstance(item, dict) and _ID.match(key) for key, item in value.items()
    )


def _is_keyed(value: Mapping[str, Any]) -> bool:
    """Tell whether an object looks like records under names that are no plain ids."""
    items = list(value.values())
    if len(items) < 2 or not all(isinstance(item, dict) and item for item in items):  # noqa: PLR2004
        return False
    common = set(items[0]).intersection(*items[1:])
    return 2 * len(common) >= max(len(item) for item in items)


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], bool, Any]]:  # noqa: ANN401
    """Yield every place that may hold records, without looking inside records."""
    if _is_array_of_objects(value):
        yield path, False, value
    elif isinstance(value, dict):
        if _is_keyed_by_id(value):
            yield path, True, value
            return
        for key, nested in value.items():
            yield from _walk(nested, (*path, key))
        if _is_keyed(value):
            yield path, True, value


def _name(path: tuple[str, ...]) -> str:
    return ".".join(path) or "$"


def _records(value: Any, keyed: bool, key_column: str) -> list[dict[str, Any]]:  # noqa: ANN401, FBT001
    if not keyed:
        return list(value)
    # A record that carries its own key keeps it.
    return [{key_column: key, **record} for key, record in value.items()]


def find_records(answer: Json, key_column: str) -> Found:
    """Find the records of an answer.

    Arrays of objects come before objects keyed by id, and filled ones before empty ones.

    Args:
        answer: A decoded JSON value.
        key_column: The column that takes the key of an object keyed by id.

    Raises:
        EnvelopeError: If nothing in the answer, or more than one thing, can be the records.
    """
    candidates = list(_walk(answer, ()))
    for keyed, filled in ((False, True), (True, True), (False, False)):
        fitting = [c for c in candidates if c[1] is keyed and bool(c[2]) is filled]
        if len(fitting) > 1:
            places = ", ".join(f"'{_name(path)}'" for path, _, _ in fitting)
            message = f"records may stand at {places}"
            raise EnvelopeError(message)
        if fitting:
            path, _, value = fitting[0]
            return Found(_name(path), keyed, _records(value, keyed, key_column))
    message = "no list of records in it"
    if isinstance(answer, dict):
        keys = ", ".join(f"'{key}'" for key in list(answer)[:20])
        message += f", only the keys {keys}" if keys else ", only an empty object"
    raise EnvelopeError(message)


def records_at(answer: Json, path: str, key_column: str) -> Found:
    """Take the records from a given place.

    Args:
        answer: A decoded JSON value.
        path: Keys joined by dots, `$` for the top.
        key_column: The column that takes the key of an object keyed by id.

    Raises:
        EnvelopeError: If there are no records at that place.
    """
    value: Any = answer
    for key in () if path == "$" else path.split("."):
        if not isinstance(value, dict) or key not in value:
            message = f"nothing stands at '{path}'"
            raise EnvelopeError(message)
        value = value[key]
    keyed = isinstance(value, dict)
    if not (_is_array_of_objects(value) or (keyed and _is_array_of_objects(list(value.values())))):
        message = f"what stands at '{path}' is no list of records"
        raise EnvelopeError(message)
    return Found(path, keyed, _records(value, keyed, key_column))
