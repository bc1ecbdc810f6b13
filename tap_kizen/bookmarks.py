"""How far an incremental stream has come, and when it is read whole again.

The state of such a stream holds, besides what the SDK keeps:

* `replication_key_value`: all that changed before this moment has been sent;
* `table_version`: milliseconds since 1970 of the last read of the whole table. Every record
  carries it as its version, so that the loader can tell the vanished ones after the next;
* `table_read_at`: the same where the version is none: a clock that was ahead has given a version
  later than that, and versions only rise;
* `columns`: a mark for each column that was read. A column without its mark is new: rows that
  were loaded before hold null there, so the table is read whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Protocol

from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from rest_tap.writers.writing import STATE_VERSION, next_version
from tap_kizen.timestamps import parse_timestamp, server_time, to_utc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from logging import Logger

    import requests


STATE_READ_AT = "table_read_at"
STATE_COLUMNS = "columns"

#: How many new columns are named in the log.
MAX_NAMED_COLUMNS = 5

MILLISECONDS_PER_HOUR = 3_600_000


@dataclass(frozen=True)
class Period:
    """The time asked for: from `start` on, and before `end`; None is open."""

    start: datetime | None
    end: datetime | None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Period:
        """Read the settings `start_date` and `end_date`.

        Raises:
            ConfigurationError: If one is no date, or the end is not after the start.
        """
        start, end = (_moment(config, name) for name in ("start_date", "end_date"))
        if start is not None and end is not None and end <= start:
            message = (
                "setting 'end_date' (TAP_KIZEN_END_DATE) must be later than setting "
                "'start_date' (TAP_KIZEN_START_DATE)"
            )
            raise ConfigurationError(message)
        return cls(start, end)

    @property
    def is_bounded(self) -> bool:
        """Whether a time was asked for, so that rows may be left out."""
        return self.start is not None or self.end is not None

    def holds(self, moment: datetime) -> bool:
        """Return whether a moment lies in the period."""
        return (self.start is None or moment >= self.start) and (
            self.end is None or moment < self.end
        )


def _moment(config: Mapping[str, Any], name: str) -> datetime | None:
    value = config.get(name)
    if value is None:
        return None
    moment = parse_timestamp(value)
    if moment is None:
        message = (
            f"setting '{name}' (TAP_KIZEN_{name.upper()}) is not a date or timestamp: {value!r}"
        )
        raise ConfigurationError(message)
    return moment


class IncrementalStream(Protocol):
    """What a bookmark needs to know of its stream."""

    name: str

    @property
    def logger(self) -> Logger:
        """The log of the stream."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings."""

    @property
    def started_at(self) -> int:
        """When the run began, in milliseconds since 1970."""

    @property
    def replication_method(self) -> str:
        """How the stream is read."""

    @property
    def replication_key(self) -> str | None:
        """The column that tells when a record changed."""

    @property
    def sends_versions(self) -> bool:
        """Whether the loader is to learn which rows vanished."""

    def column_marks(self) -> Mapping[str, tuple[str, ...]]:
        """Return, for each selected column, the mark to remember it by, and others as good."""


class Bookmark:
    """The bookmark of one stream in one run.

    Attributes:
        is_whole: Whether this run reads all records, whatever has been sent before.
        is_whole_table: Whether what this run does not find is gone.
        version: The version of the records of this run, or None.
        since: From when on changes are wanted; None for all.
    """

    def __init__(
        self, stream: IncrementalStream, state: dict[str, Any], service_time: datetime | None
    ) -> None:
        """Decide what to read, by the settings and the state of the stream.

        Args:
            stream: The stream.
            state: What the last run has left of the stream; it is changed by `save`.
            service_time: The service's clock, if it is known.
        """
        self._stream = stream
        self._service_time = service_time
        config = stream.config
        self._state = state
        self._period = Period.of(config)
        self._sent_until: datetime | None = None
        now = stream.started_at
        self._began = datetime.fromtimestamp(now / 1000, tz=timezone.utc)

        is_full_table = stream.replication_method == REPLICATION_FULL_TABLE
        self._key = None if is_full_table else stream.replication_key
        self._before = reached = None if is_full_table else self._reached()
        self._columns = stream.column_marks()
        version = _integer(state.get(STATE_VERSION))
        read_at = _integer(state.get(STATE_READ_AT)) or version
        # What lies outside of the period is not read, and so not gone.
        is_bounded = self._period.is_bounded
        every = int(config["full_refresh_every"]) * MILLISECONDS_PER_HOUR
        due = (
            stream.sends_versions
            and not is_bounded
            and every > 0
            # A time still to come is from a clock that was ahead, and tells nothing.
            and (read_at is None or not 0 <= now - read_at < every)
        )
        self.is_whole = is_full_table or reached is None or due or self._has_new_columns()
        self.is_whole_table = self.is_whole and stream.sends_versions and not is_bounded
        self.version: int | None = None
        self._read_at: int | None = None
        if stream.sends_versions:
            is_new = version is None or self.is_whole_table
            self.version = next_version(now, version) if is_new else version
            self._read_at = now if is_new else read_at

        self.since = self._period.start
        if not self.is_whole and reached is not None:
            earliest = _before(reached, int(config["lookback_seconds"]))
            self.since = max(filter(None, (earliest, self.since)), default=None)

    def _reached(self) -> datetime | None:
        """Return the moment of the bookmark; None where there is none to go on from.

        No change lies in the future. A bookmark that does is from a clock that was ahead, and
        does not tell what has been read.
        """
        value = self._state.get("replication_key_value")
        if value is None:
            return None
        reached = parse_timestamp(str(value))
        now = max(self._began, self._service_time or self._began)
        if reached is not None and reached <= now:
            return reached
        self._stream.logger.warning(
            "%s: the bookmark in the state %s: all records are read, and the bookmark is set anew",
            self._stream.name,
            "is no time" if reached is None else f"lies in the future ({to_utc(reached)})",
        )
        return None

    def _has_new_columns(self) -> bool:
        """Return whether a column is new or other than in the last run, and say so.

        A state of an earlier version of this tap has no marks, and tells of no column.
        """
        known = self._state.get(STATE_COLUMNS)
        if self._before is None or not isinstance(known, str):
            return False
        marks = set(known.split())
        new = [name for name, accepted in self._columns.items() if marks.isdisjoint(accepted)]
        if new:
            more = len(new) - MAX_NAMED_COLUMNS
            self._stream.logger.info(
                "%s: new or changed since the last run: %s%s: all records are read",
                self._stream.name,
                ", ".join(new[:MAX_NAMED_COLUMNS]),
                f" and {more} more" if more > 0 else "",
            )
        return bool(new)

    def answered(self, response: requests.Response) -> None:
        """Learn from an answer when, by the service's clock, the read began at the latest."""
        moment = server_time(response)
        if moment is not None:
            # The service may have looked at its records as soon as the request came.
            self._began = min(self._began, moment - response.elapsed)

    def wants(self, moment: datetime | None) -> bool:
        """Return whether a record of this moment is to be sent, and note it.

        A record without a moment is always sent.
        """
        if moment is None:
            return True
        if self.since is not None and moment < self.since:
            return False
        if self._period.end is not None and moment >= self._period.end:
            return False
        if self._sent_until is None or moment > self._sent_until:
            self._sent_until = moment
        return True

    @property
    def has_moved(self) -> bool:
        """Whether a record was sent that changed after the read began."""
        return self._sent_until is not None and self._sent_until >= self._began

    def save(self) -> None:
        """Put into the state what has been sent.

        Never a moment after the read began: what changed while it went on may have been
        read before the change.
        """
        if self.version is not None:
            self._state[STATE_VERSION] = self.version
            self._state.pop(STATE_READ_AT, None)
            if self._read_at != self.version:
                self._state[STATE_READ_AT] = self._read_at
        if self._key is None:
            return
        self._state[STATE_COLUMNS] = " ".join(sorted(marks[0] for marks in self._columns.values()))
        if self._sent_until is not None:
            reached = min(self._sent_until, self._began)
            if self._before is None or reached > self._before:
                self._before = reached
                self._state["replication_key"] = self._key
                self._state["replication_key_value"] = to_utc(reached)
        if self._before is None:
            # One that lies in the future, and nothing was found to set it anew by.
            self._state.pop("replication_key_value", None)


def _before(moment: datetime, seconds: int) -> datetime | None:
    """Return the moment so many seconds earlier; None before the years that can be counted."""
    try:
        return moment - timedelta(seconds=seconds)
    except OverflowError:
        return None


def _integer(value: object) -> int | None:
    return value if type(value) is int else None
