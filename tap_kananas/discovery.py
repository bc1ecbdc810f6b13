"""The schema of an account, from all of its records.

Nothing about the columns of Kananas is public, so every column is what its values are.
Types only widen: a value that does not fit the type seen so far makes the type wider, and
no value is ever dropped.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_OFFSET = re.compile(r"(Z|z|[+-]\d{2}:?\d{2})$")


class Kind(Enum):
    """What a value is."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    BIG_INTEGER = "integer beyond 64 bits"
    NUMBER = "number"
    DATE = "date"
    TIMESTAMP = "timestamp with an offset"
    EMPTY = "empty string"
    STRING = "string"
    OBJECT = "object"
    ARRAY = "array"


_SCHEMAS: dict[Kind, dict[str, Any]] = {
    Kind.BOOLEAN: {"type": ["boolean", "null"]},
    Kind.INTEGER: {"type": ["integer", "null"]},
    Kind.NUMBER: {"type": ["number", "null"]},
    Kind.DATE: {"type": ["string", "null"], "format": "date"},
    Kind.TIMESTAMP: {"type": ["string", "null"], "format": "date-time"},
    Kind.STRING: {"type": ["string", "null"]},
    Kind.OBJECT: {"type": ["object", "null"], "additionalProperties": True},
    Kind.ARRAY: {"type": ["array", "null"], "items": {}},
}
_MIXED: dict[str, Any] = {"type": ["object", "array", "string", "number", "boolean", "null"]}


def _is_date(text: str) -> bool:
    if not _DATE.match(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_timestamp(text: str) -> bool:
    """Tell a timestamp that says its offset; one without is only text, for its zone is unknown."""
    if not _OFFSET.search(text):
        return False
    try:
        msgspec.convert(text, type=datetime)
    except msgspec.ValidationError:
        return False
    return True


def kind_of(value: Any) -> Kind | None:  # noqa: ANN401, PLR0911 - any JSON value, one line a kind
    """Tell what a decoded JSON value is; None for null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, int):
        return Kind.INTEGER if INT64_MIN <= value <= INT64_MAX else Kind.BIG_INTEGER
    if isinstance(value, float):
        return Kind.NUMBER
    if isinstance(value, dict):
        return Kind.OBJECT
    if isinstance(value, list):
        return Kind.ARRAY
    if value == "":
        return Kind.EMPTY
    if _is_date(value):
        return Kind.DATE
    return Kind.TIMESTAMP if _is_timestamp(value) else Kind.STRING


def widest(kinds: set[Kind]) -> Kind | None:
    """Give the narrowest kind that holds all of the given ones; None where only JSON does.

    Empty strings go with dates and timestamps, where they become null. Numeric strings stay
    strings: codes and phone numbers keep their zeros.
    """
    filled = kinds - {Kind.EMPTY}
    if not filled:
        return Kind.STRING
    if len(filled) == 1 and (kinds == filled or filled <= {Kind.DATE, Kind.TIMESTAMP}):
        only = next(iter(filled))
        return Kind.STRING if only is Kind.BIG_INTEGER else only
    if kinds == {Kind.INTEGER, Kind.NUMBER}:
        return Kind.NUMBER
    if kinds & {Kind.OBJECT, Kind.ARRAY}:
        return None
    return Kind.STRING


class Columns:
    """The columns of a set of records, learnt from every record."""

    def __init__(self) -> None:
        """Begin without a column."""
        self._kinds: dict[str, set[Kind]] = {}

    def learn(self, record: dict[str, Any]) -> None:
        """Take one record into account."""
        for name, value in record.items():
            kinds = self._kinds.setdefault(name, set())
            kind = kind_of(value)
            if kind is not None:
                kinds.add(kind)

    @property
    def kinds(self) -> dict[str, Kind | None]:
        """The kind of each column, in the order in which they came; None for mixed JSON."""
        return {name: widest(kinds) for name, kinds in self._kinds.items()}

    def schema(self, primary_keys: Sequence[str]) -> dict[str, Any]:
        """Give the JSON schema of the records: all columns nullable but the key."""
        properties: dict[str, Any] = {}
        for name, kind in self.kinds.items():
            wide = dict(_MIXED if kind is None else _SCHEMAS[kind])
            if name in primary_keys:
                wide["type"] = [kind_name for kind_name in wide["type"] if kind_name != "null"]
            properties[name] = wide
        for name in primary_keys:
            properties.setdefault(name, {"type": ["string"]})
        return {"type": "object", "properties": properties, "required": list(primary_keys)}


def learn(records: Iterable[dict[str, Any]]) -> Columns:
    """Learn the columns of all given records."""
    columns = Columns()
    for record in records:
        columns.learn(record)
    return columns


def fit(value: Any, kind: Kind | None) -> Any:  # noqa: ANN401 - any JSON value
    """Give a value in the type of its column.

    Only what widening asks for is changed: a number or boolean among strings becomes a
    string as JSON writes it, an empty string among dates becomes null, an offset becomes UTC.
    """
    if value is None or kind is None:
        return value
    if kind is Kind.STRING and not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    if kind is Kind.NUMBER and isinstance(value, int):
        return float(value)
    if kind is Kind.DATE and value == "":
        return None
    if kind is Kind.TIMESTAMP:
        return _to_utc(value) if value else None
    return value


def _to_utc(text: str) -> str:
    moment = msgspec.convert(text, type=datetime)
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
