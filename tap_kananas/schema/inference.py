"""The schema of an account, from all of its records.

Nothing about the columns of Kananas is public, so every column is what its values are.
Types only widen: a value that does not fit the type seen so far makes the type wider, and
no value is ever dropped.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

#: Integers up to here are the same as a double (IEEE 754); beyond, a double may be another one.
MAX_EXACT = 2**53

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?P<offset>Z|z|[+-]\d{2}:?\d{2})?"
)
_DATE_CHARACTERS = len("2026-03-31")
_EDGE_YEARS = ("0001", "9999")
# What MySQL, and PHP with it, writes where there is no date.
_ZERO_DATES = frozenset({"0000-00-00", "0000-00-00 00:00:00"})


class Kind(Enum):
    """What a value is."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    LONG_INTEGER = "integer that a double cannot hold"
    BIG_INTEGER = "integer beyond 64 bits"
    NUMBER = "number"
    DATE = "date"
    TIMESTAMP = "timestamp with an offset"
    LOCAL_TIMESTAMP = "timestamp without an offset"
    ZERO_DATE = "date of zeros"
    EMPTY = "empty string"
    STRING = "string"
    OBJECT = "object"
    ARRAY = "array"

    # Members are looked up in sets for each value; the enumeration's own hash is slow.
    __hash__ = object.__hash__


_NUMBERS = frozenset({Kind.INTEGER, Kind.NUMBER})
_INTEGERS = frozenset({Kind.INTEGER, Kind.LONG_INTEGER})
_BLANKS = frozenset({Kind.EMPTY, Kind.ZERO_DATE})
_STRUCTURES = frozenset({Kind.OBJECT, Kind.ARRAY})
_MOMENTS = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.LOCAL_TIMESTAMP})
_KEPT = frozenset({Kind.BOOLEAN, Kind.INTEGER, Kind.NUMBER, Kind.STRING, *_STRUCTURES})

_SCHEMAS: dict[Kind, dict[str, Any]] = {
    Kind.BOOLEAN: {"type": ["boolean", "null"]},
    Kind.INTEGER: {"type": ["integer", "null"]},
    Kind.NUMBER: {"type": ["number", "null"]},
    Kind.DATE: {"type": ["string", "null"], "format": "date"},
    Kind.TIMESTAMP: {"type": ["string", "null"], "format": "date-time"},
    Kind.LOCAL_TIMESTAMP: {"type": ["string", "null"], "format": "date-time"},
    Kind.STRING: {"type": ["string", "null"]},
    Kind.OBJECT: {"type": ["object", "null"], "additionalProperties": True},
    Kind.ARRAY: {"type": ["array", "null"], "items": {}},
}
_MIXED: dict[str, Any] = {"type": ["object", "array", "string", "number", "boolean", "null"]}


def _kind_of_text(text: str) -> Kind:  # noqa: PLR0911 - one line a kind
    """Return what a string is; only ISO 8601 counts as a date, as 01/02/2026 has two readings."""
    if not text:
        return Kind.EMPTY
    if text[4:5] != "-" or not _DATE.match(text):
        return Kind.STRING
    if text in _ZERO_DATES:
        return Kind.ZERO_DATE
    try:
        if len(text) == _DATE_CHARACTERS:
            date.fromisoformat(text)
            return Kind.DATE
        timestamp = _TIMESTAMP.fullmatch(text)
        if timestamp is None:
            return Kind.STRING
        _moment(text)
        # UTC may lie beyond the first and the last year there are.
        if text.startswith(_EDGE_YEARS):
            return Kind.STRING
    except ValueError:
        return Kind.STRING
    return Kind.TIMESTAMP if timestamp["offset"] else Kind.LOCAL_TIMESTAMP


def _moment(text: str) -> datetime:
    """Read an ISO 8601 timestamp.

    Raises:
        ValueError: If it is none, such as one with a 30th of February.
    """
    return msgspec.convert(text, type=datetime)


def kind_of(value: Any) -> Kind | None:  # noqa: ANN401, PLR0911 - any JSON value, one line a kind
    """Return what a decoded JSON value is; None for null."""
    if value is None:
        return None
    if isinstance(value, str):
        return _kind_of_text(value)
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, int):
        if -MAX_EXACT <= value <= MAX_EXACT:
            return Kind.INTEGER
        return Kind.LONG_INTEGER if INT64_MIN <= value <= INT64_MAX else Kind.BIG_INTEGER
    if isinstance(value, float):
        return Kind.NUMBER if math.isfinite(value) else Kind.STRING
    return Kind.OBJECT if isinstance(value, dict) else Kind.ARRAY


def widest(kinds: Iterable[Kind], *, zone_known: bool = False) -> Kind | None:
    """Return the narrowest kind that holds all of the given ones; None where only JSON does.

    Empty strings and dates of zeros go with dates and timestamps, where they become null.
    Numeric strings stay strings: codes and phone numbers keep their zeros. A timestamp
    without an offset is text, unless its zone is known.
    """
    seen = frozenset(kinds)
    filled = seen - _BLANKS
    if not filled:
        return Kind.STRING
    if len(filled) == 1:
        only = next(iter(filled))
        if only in _MOMENTS:
            local = only is Kind.LOCAL_TIMESTAMP
            return Kind.STRING if local and not zone_known else only
        if seen == filled and only in _KEPT:
            return only
    if seen <= _INTEGERS:
        return Kind.INTEGER
    if seen <= _NUMBERS:
        return Kind.NUMBER
    return None if seen & _STRUCTURES else Kind.STRING


class InferredSchema:
    """The columns of a set of records, learnt from every record."""

    def __init__(self, zone: ZoneInfo | None = None) -> None:
        """Begin without a column; `zone` is that of timestamps without an offset."""
        self._zone = zone
        self._kinds: dict[str, set[Kind]] = {}
        # Columns with a string that is no date: it settles what all their other strings can be.
        self._texts: set[str] = set()

    def add(self, record: Mapping[str, Any]) -> None:
        """Take one record into account."""
        for name, value in record.items():
            if name in self._texts and isinstance(value, str):
                continue
            kind = kind_of(value)
            if kind is None:
                self._kinds.setdefault(name, set())
                continue
            self._kinds.setdefault(name, set()).add(kind)
            if kind is Kind.STRING:
                self._texts.add(name)

    def __len__(self) -> int:
        """Return how many columns there are."""
        return len(self._kinds)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in the order in which they came."""
        return list(self._kinds)

    @property
    def kinds(self) -> dict[str, Kind | None]:
        """The kind of each column, in the order in which they came; None for mixed JSON."""
        known = self._zone is not None
        return {name: widest(kinds, zone_known=known) for name, kinds in self._kinds.items()}

    def schema(
        self, primary_keys: Sequence[str], earlier: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the JSON schema of the records: all columns nullable but the key.

        Args:
            primary_keys: The columns of the key, which are there even in an empty account.
            earlier: The schemas that columns had in an earlier read, for those that no record
                shows now. A key without either is a string.
        """
        properties: dict[str, Any] = {}
        for name, kind in self.kinds.items():
            properties[name] = dict(_MIXED if kind is None else _SCHEMAS[kind])
        for name, schema in (earlier or {}).items():
            properties.setdefault(name, dict(schema))
        for name in primary_keys:
            key = properties.setdefault(name, dict(_SCHEMAS[Kind.STRING]))
            key["type"] = [kind_name for kind_name in key["type"] if kind_name != "null"]
        return {"type": "object", "properties": properties, "required": list(primary_keys)}

    def conversions(self) -> dict[str, Callable[[Any], Any]]:
        """Return, by column, how its values are brought into its type; only where they need it."""
        conversions: dict[str, Callable[[Any], Any]] = {}
        for name, kind in self.kinds.items():
            if kind is Kind.STRING and self._kinds[name] <= {Kind.STRING, *_BLANKS, *_MOMENTS}:
                continue
            if kind in _MOMENTS or kind in {Kind.STRING, Kind.NUMBER}:
                conversions[name] = self._conversion(kind)
        return conversions

    def _conversion(self, kind: Kind | None) -> Callable[[Any], Any]:
        return lambda value: conform(value, kind, self._zone)


def infer_schema(
    records: Iterable[Mapping[str, Any]], zone: ZoneInfo | None = None
) -> InferredSchema:
    """Learn the columns of all given records."""
    columns = InferredSchema(zone)
    for record in records:
        columns.add(record)
    return columns


def conform(value: Any, kind: Kind | None, zone: ZoneInfo | None = None) -> Any:  # noqa: ANN401, PLR0911
    """Return a value in the type of its column.

    Only what widening asks for is changed: a number or boolean among strings becomes a
    string as JSON writes it, an empty string among dates becomes null, a timestamp UTC.
    """
    if value is None or kind is None:
        return value
    if kind is Kind.STRING and not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    if kind is Kind.NUMBER and isinstance(value, int):
        return float(value)
    if kind in _MOMENTS and (not value or value in _ZERO_DATES):
        return None
    if kind is Kind.TIMESTAMP:
        return to_utc(_moment(value))
    if kind is Kind.LOCAL_TIMESTAMP:
        return to_utc(_moment(value).replace(tzinfo=zone))
    return value


def to_utc(moment: datetime) -> str:
    """Return a moment as it is sent: ISO 8601 in UTC, with `Z`."""
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
