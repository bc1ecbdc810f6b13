"""How far an incremental stream has come, and when it is read whole again.

The state of such a stream holds, besides what the SDK keeps:

* `replication_key_value`: all that changed before this moment has been sent;
* `table_version`: milliseconds since 1970 of the last read of the whole table. Every record
  carries it as its version, so that the loader can tell the vanished ones after the next;
* `table_read_at`: the same where the version is none: a clock that was ahead has given a version
  later than that, and versions only rise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from rest_tap.sending import STATE_VERSION, next_version
from tap_kizen.timestamps import parse_timestamp, to_utc

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from rest_tap.streams import HttpStream

STATE_READ_AT = "table_read_at"

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
        """Tell whether a moment lies in the period."""
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


def server_time(response: requests.Response) -> datetime | None:
    """Read the moment at which a server answered, to the second (RFC 9110, section 6.6.1)."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(timezone.utc)
    except (KeyError, ValueError, OverflowError):
        return None


class Bookmark:
    """The bookmark of one stream in one run.

    Attributes:
        is_whole: Whether this run reads all records, whatever has been sent before.
        is_whole_table: Whether what this run does not find is gone.
        version: The version of the records of this run, or None.
        since: From when on changes are wanted; None for all.
    """

    def __init__(self, stream: HttpStream, state: dict[str, Any]) -> None:
        """Decide what to read, by the settings and the state of the stream."""
        config = stream.config
        self._state = state
        self._period = Period.of(config)
        self._sent_until: datetime | None = None
        now = stream.started_at
        self._began = datetime.fromtimestamp(now / 1000, tz=timezone.utc)

        is_full_table = stream.replication_method == REPLICATION_FULL_TABLE
        self._key = None if is_full_table else stream.replication_key
        reached = parse_timestamp(str(state.get("replication_key_value") or ""))
        version = state.get(STATE_VERSION)
        read_at = state.get(STATE_READ_AT, version)
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
        self.is_whole = is_full_table or reached is None or due
        self.is_whole_table = self.is_whole and stream.sends_versions and not is_bounded
        self.version: int | None = None
        self._read_at: int | None = None
        if stream.sends_versions:
            is_new = version is None or self.is_whole_table
            self.version = next_version(now, version) if is_new else version
            self._read_at = now if is_new else read_at

        self.since = self._period.start
        if not self.is_whole and reached is not None:
            look_back = timedelta(seconds=int(config["lookback_seconds"]))
            earliest = reached - look_back
            self.since = max(earliest, self.since) if self.since else earliest

    def answered(self, response: requests.Response) -> None:
        """Learn from an answer when, by the service's clock, the read began at the latest."""
        moment = server_time(response)
        if moment is not None:
            self._began = min(self._began, moment)

    def wants(self, moment: datetime | None) -> bool:
        """Tell whether a record of this moment is to be sent, and note it.

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
        if self._key is not None and self._sent_until is not None:
            reached = min(self._sent_until, self._began)
            before = parse_timestamp(str(self._state.get("replication_key_value") or ""))
            if before is None or reached > before:
                self._state["replication_key"] = self._key
                self._state["replication_key_value"] = to_utc(reached)
