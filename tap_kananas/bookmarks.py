"""How far an incremental list has been read, and from where on the next run reads.

The column that says when a record changed may hold moments (timestamps, dates, seconds since
1970) or values without a clock, such as the number of a revision. The state of a list holds:

* `replication_key_value`: all that changed before this value has been sent;
* `replication_key_as_written`: the same value as the service writes it;
* `highest_seen`: where values have no clock, the highest one any run has seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tap_kananas.schema.inference import Kind, kind_of, to_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    import requests

DEFAULT_LOOKBACK_SECONDS = 10

#: A look-back of more than a century is one of a century.
MAX_LOOKBACK_SECONDS = 100 * 366 * 86_400

STATE_KEY = "replication_key"
STATE_VALUE = "replication_key_value"
STATE_AS_WRITTEN = "replication_key_as_written"
STATE_HIGHEST_SEEN = "highest_seen"

#: In autumn, clocks show an hour twice: the later one looks like the earlier one.
_REPEATED_HOUR, _NONE = timedelta(hours=1), timedelta()

# Local times are at most so far behind UTC, and so far ahead of it.
_MOST_BEHIND_UTC = timedelta(hours=12)
_MOST_AHEAD_OF_UTC = timedelta(hours=14)

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# Numbers that count from 1970, by how many make a second. They stand for the years 2001 to 2286.
_EPOCH_UNITS = (1, 10**3, 10**6, 10**9)
_EPOCH_MIN_SECONDS, _EPOCH_MAX_SECONDS = 10**9, 10**10

# Kinds that say nothing about when a record changed.
_NO_VALUES = frozenset({None, Kind.EMPTY, Kind.ZERO_DATE, Kind.BOOLEAN, Kind.OBJECT, Kind.ARRAY})

_NUMBER = re.compile(r"-?\d{1,30}(?:\.\d{1,20})?")
_DIGIT = re.compile(r"\d")

# Parts of a second, which no bookmark needs: it is cut to what comes before it.
_FRACTION = re.compile(r"(\d\d[:.]?\d\d[:.]?\d\d)[.,]\d+(?=\D*$|[+-]\d\d:?\d\d$)", re.ASCII)
_OTHER_ISO = re.compile(
    r"(?P<y>\d{4})-?(?P<mo>\d\d)-?(?P<d>\d\d)(?P<t>[Tt ])"
    r"(?P<h>\d\d):?(?P<mi>\d\d)(?::?(?P<s>\d\d))? ?(?P<z>Z|z|UTC|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)

# Moments that are not written as ISO 8601 says, by their shape; day first, as in French.
_SHAPES = {
    _DIGIT.sub("9", datetime(2026, 11, 28).strftime(written)): written  # noqa: DTZ001
    for day in ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y-%m-%d")
    for written in (day, f"{day} %H:%M", f"{day}T%H:%M", f"{day} %H:%M:%S")
} | {"99999999": "%Y%m%d", "99999999999999": "%Y%m%d%H%M%S"}


@dataclass(frozen=True)
class _Notation:
    """How a column writes moments.

    Attributes:
        write: Return a moment in UTC as the column has it, cut to what it holds.
        is_local: Whether it writes local times, without their offset.
        is_converted: Whether its values are sent in UTC.
    """

    write: Callable[[datetime], Any]
    is_local: bool = False
    is_converted: bool = False


@dataclass(frozen=True)
class _Reading:
    """A moment that was read; where its offset is not known, its local time as if it were UTC."""

    moment: datetime
    notation: _Notation


def read_moment(value: Any, zone: ZoneInfo | None) -> _Reading | None:  # noqa: ANN401 - any JSON
    """Read a moment; return None for a value that is none.

    Args:
        value: What stands in a column.
        zone: The zone of local times; None where it is not known.
    """
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, str):
            return _read_text(value, zone)
        # The SDK reads decimals of a state as `Decimal`.
        if isinstance(value, int | float | Decimal):
            return _read_number(Decimal(str(value)), zone, as_text=False)
    except (ValueError, ArithmeticError):
        # Beyond the years that can be counted.
        pass
    return None


def _read_text(text: str, zone: ZoneInfo | None) -> _Reading | None:
    kind = kind_of(text)
    local = zone or timezone.utc
    if kind is Kind.TIMESTAMP:
        return _Reading(
            _moment(text).astimezone(timezone.utc), _Notation(to_utc, is_converted=True)
        )
    if kind is Kind.LOCAL_TIMESTAMP:
        separator = text[10]

        def write_local(moment: datetime) -> str:
            wall = moment.astimezone(local).replace(tzinfo=None)
            return wall.isoformat(separator, "seconds")

        notation = _Notation(write_local, is_local=True, is_converted=zone is not None)
        return _Reading(_moment(text).replace(tzinfo=local).astimezone(timezone.utc), notation)
    if kind is Kind.DATE:
        midnight = datetime.combine(date.fromisoformat(text), time(), local)
        notation = _Notation(lambda m: m.astimezone(local).date().isoformat(), is_local=True)
        return _Reading(midnight.astimezone(timezone.utc), notation)
    if _NUMBER.fullmatch(text):
        return _read_number(Decimal(text), zone, as_text=True)
    return _read_shape(text, local)


def _read_shape(text: str, local: ZoneInfo | timezone) -> _Reading | None:
    text = _FRACTION.sub(r"\1", text)
    written = _SHAPES.get(_DIGIT.sub("9", text))
    if written is None:
        found = _OTHER_ISO.fullmatch(text)
        return _read_http_date(text) if found is None else _read_other_iso(found, local)
    moment = datetime.strptime(text, written).replace(tzinfo=local).astimezone(timezone.utc)
    notation = _Notation(lambda m: m.astimezone(local).strftime(written), is_local=True)
    return _Reading(moment, notation)


def _read_other_iso(found: re.Match[str], local: ZoneInfo | timezone) -> _Reading:
    """Read a moment that ISO 8601 allows, and no column of timestamps takes as it is."""
    date_and_time = [int(found[part] or 0) for part in ("y", "mo", "d", "h", "mi", "s")]
    wall = datetime(*date_and_time)  # type: ignore[arg-type]  # noqa: DTZ001 - its zone follows
    offset = found["z"]
    if offset is None:

        def write_local(moment: datetime) -> str:
            return moment.astimezone(local).replace(tzinfo=None).isoformat(found["t"], "seconds")

        return _Reading(_in_utc(wall.replace(tzinfo=local)), _Notation(write_local, is_local=True))
    minutes = 0
    if offset[0] in "+-":
        digits = offset[1:].replace(":", "").ljust(4, "0")
        minutes = int(f"{offset[0]}1") * (int(digits[:2]) * 60 + int(digits[2:]))
    zone = timezone(timedelta(minutes=minutes))
    return _Reading(_in_utc(wall.replace(tzinfo=zone)), _Notation(to_utc))


def _in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC; the last there is for one at the end of the year 9999."""
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError:
        if moment.year == 1:
            raise
        return datetime.max.replace(tzinfo=timezone.utc)


def _read_http_date(text: str) -> _Reading | None:
    if "," not in text:
        return None
    moment = parsedate_to_datetime(text).astimezone(timezone.utc)
    return _Reading(moment, _Notation(partial(format_datetime, usegmt=True)))


def _read_number(number: Decimal, zone: ZoneInfo | None, *, as_text: bool) -> _Reading | None:
    for unit in _EPOCH_UNITS:
        if _EPOCH_MIN_SECONDS * unit <= number < _EPOCH_MAX_SECONDS * unit:
            moment = _EPOCH + timedelta(microseconds=int(number * 10**6 / unit))

            def write(moment: datetime, unit: int = unit) -> int | str:
                count = (moment - _EPOCH) // timedelta(microseconds=1) * unit // 10**6
                return str(count) if as_text else count

            return _Reading(moment, _Notation(write))
    compact = str(number)
    reading = _read_shape(compact, zone or timezone.utc)
    if reading is None or as_text:
        return reading
    write_text = reading.notation.write
    return _Reading(reading.moment, _Notation(lambda m: int(write_text(m)), is_local=True))


def _moment(text: str) -> datetime:
    return msgspec.convert(text, type=datetime)


def _rank(value: Any) -> tuple[Decimal, str]:  # noqa: ANN401 - any JSON value
    """Return what orders values without a clock: numbers, also in text, before other texts."""
    text = str(value)
    if isinstance(value, str) and not _NUMBER.fullmatch(text):
        return Decimal("Infinity"), text
    return Decimal(text), ""


class Bookmark:
    """The bookmark of one list in one run.

    Attributes:
        is_ahead: Whether the bookmark of the state lies in the future: then all records are read.
    """

    def __init__(
        self,
        key: str,
        state: Mapping[str, Any],
        *,
        zone: ZoneInfo | None,
        look_back: timedelta,
        started_at: datetime,
    ) -> None:
        """Begin a read.

        Args:
            key: The column that says when a record changed.
            state: What the state holds of the list; that of another column does not count.
            zone: The zone of local times, where the settings name it.
            look_back: How long the service may take to show a change.
            started_at: When the run began, by this machine's clock.
        """
        self._key = key
        self._zone = zone
        self._look_back = look_back
        self._began = started_at
        self._before = state if state.get(STATE_KEY) == key else {}
        self._since = read_moment(self._before.get(STATE_VALUE), zone)
        self._highest: _Reading | None = None
        self._highest_plain: Any = None
        self._highest_of_first_page: Any = None
        self._is_first_page = True
        self.is_ahead = False
        if self._since is not None:
            self.is_ahead = self._since.moment > self._latest(self._since, _MOST_AHEAD_OF_UTC)

    def _latest(self, reading: _Reading, offset: timedelta) -> datetime:
        """Return the start of the read as the column writes it; `offset` where that is unknown."""
        is_unknown = reading.notation.is_local and self._zone is None
        return self._began + offset if is_unknown else self._began

    def lower_bound(self, written: str | None) -> Any:  # noqa: ANN401 - as the service writes it
        """Return the value from which on records are wanted; None for all.

        Args:
            written: How to write a moment, as for `strftime`; None as the column has it.
        """
        if self.is_ahead:
            return None
        if self._since is None:
            return self._before.get(STATE_VALUE)
        as_written = read_moment(self._before.get(STATE_AS_WRITTEN), self._zone)
        # States of earlier versions do not tell a local time that was sent in UTC.
        notation = self._since.notation if as_written is None else as_written.notation
        is_local = notation.is_local or (as_written is None and self._zone is not None)
        try:
            moment = self._since.moment - self._look_back - (_REPEATED_HOUR if is_local else _NONE)
            if written is None:
                return notation.write(moment)
            return moment.astimezone(self._zone or timezone.utc).strftime(written)
        except OverflowError:
            # Before the years that can be counted.
            return None

    def note_response(self, response: requests.Response) -> None:
        """Learn from a response when, by the service's clock, the read began at the latest."""
        try:
            at = parsedate_to_datetime(response.headers["Date"]).astimezone(timezone.utc)
        except (KeyError, ValueError, OverflowError):
            return
        # The service may have looked at its records as soon as the request came.
        self._began = min(self._began, at - response.elapsed)

    def add(self, record: Mapping[str, Any]) -> None:
        """Take one record into account."""
        value = record.get(self._key)
        kind = kind_of(value)
        if kind in _NO_VALUES:
            return
        reading = read_moment(value, self._zone)
        if reading is not None:
            if self._highest is None or reading.moment > self._highest.moment:
                self._highest = reading
        elif self._highest_plain is None or _rank(value) > _rank(self._highest_plain):
            self._highest_plain = value
            if self._is_first_page:
                self._highest_of_first_page = value

    def end_page(self) -> None:
        """Note that a page ends."""
        self._is_first_page = False

    def save(self, state: dict[str, Any]) -> None:
        """Put into the state what has been sent.

        Never a value from after the read began: a record that changed while pages were read may
        have been read before it changed.
        """
        if self._highest is not None:
            self._save_moment(state, self._highest)
        elif self._highest_plain is not None:
            self._save_plain(state)

    def _save_moment(self, state: dict[str, Any], highest: _Reading) -> None:
        reached = min(highest.moment, self._latest(highest, -_MOST_BEHIND_UTC))
        known = None if self.is_ahead or self._since is None else self._since.moment
        if known is not None and reached <= known:
            reached = known
        notation = highest.notation
        as_written = notation.write(reached)
        value = to_utc(reached) if notation.is_converted else as_written
        self._put(state, value, as_written)
        state.pop(STATE_HIGHEST_SEEN, None)

    def _save_plain(self, state: dict[str, Any]) -> None:
        """Save the highest value that was there before the read began, as far as that is known.

        That is what an earlier run has seen, and what the first page holds: whatever changes
        after that page gets a higher value.
        """
        value, seen = self._before.get(STATE_VALUE), self._before.get(STATE_HIGHEST_SEEN)
        known = [each for each in (value, seen) if each is not None]
        reached = [each for each in (*known, self._highest_of_first_page) if each is not None]
        if not reached:
            return
        highest = max(reached, key=_rank)
        self._put(state, highest, highest)
        state[STATE_HIGHEST_SEEN] = max((*known, self._highest_plain), key=_rank)

    def _put(self, state: dict[str, Any], value: Any, as_written: Any) -> None:  # noqa: ANN401
        state[STATE_KEY], state[STATE_VALUE] = self._key, value
        state[STATE_AS_WRITTEN] = as_written
