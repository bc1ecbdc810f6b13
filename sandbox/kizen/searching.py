"""The body of a record search: which records are wanted, and which fields of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.crm import microseconds

if TYPE_CHECKING:
    from array import array

    from sandbox.options import Options
    from sandbox.records import Records

_EARLIEST, _LATEST = -(2**62), 2**62


class Filter(msgspec.Struct):
    """One condition on a field of every record."""

    type: str
    subtype: str
    field: str
    condition: str
    value: Any


class Group(msgspec.Struct, rename={"every": "and"}):
    """Conditions of which every one must hold; ``or`` is not understood."""

    filters: list[Filter]
    every: bool = True


class Search(msgspec.Struct, rename={"every": "and"}):
    """The body of a search; no filter is an empty ``query``."""

    query: list[Group] = []
    every: bool = True
    field_names: list[str] | None = None


class RefusedSearchError(Exception):
    """A search that is answered with 400."""


def read(body: bytes) -> Search:
    """Return the search that a request's body asks for.

    Raises:
        RefusedSearchError: it is none.
    """
    try:
        return msgspec.json.decode(body, type=Search) if body else Search()
    except msgspec.MsgspecError as error:
        raise RefusedSearchError(str(error)) from error


def selected(search: Search, records: Records, options: Options) -> array[int] | None:
    """Return a snapshot of the records that ``search`` wants; None is all of them.

    Raises:
        RefusedSearchError: a filter is not understood, or the account refuses it.
    """
    filters = [condition for group in search.query for condition in group.filters]
    if not filters:
        return None
    if not search.every or not all(group.every for group in search.query):
        message = "Only filters of which all must hold are understood."
        raise RefusedSearchError(message)
    low, high = _EARLIEST, _LATEST
    for condition in filters:
        if (condition.type, condition.subtype, condition.field) != (
            "fields",
            "non_custom",
            "updated",
        ) or "updated-filter" in options.kizen_refuses:
            message = f"Field {condition.field} cannot be filtered."
            raise RefusedSearchError(message)
        moment = _moment(condition.value)
        if condition.condition == ">=":
            low = max(low, moment)
        elif condition.condition == ">":
            low = max(low, moment + 1)
        elif condition.condition == "<":
            high = min(high, moment)
        elif condition.condition == "<=":
            high = min(high, moment + 1)
        else:
            message = f"Unknown condition {condition.condition}."
            raise RefusedSearchError(message)
    return records.between(low, high)


def _moment(value: object) -> int:
    if not isinstance(value, str):
        message = "This field may not be null."
        raise RefusedSearchError(message)
    try:
        return microseconds(value)
    except ValueError as error:
        raise RefusedSearchError(str(error)) from error
