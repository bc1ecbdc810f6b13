"""The streams of Kananas: lists whose columns are learnt from the account itself."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from singer_sdk.exceptions import FatalAPIError
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

from rest_tap.mapping import failures_told
from rest_tap.names import without_loader_columns
from rest_tap.progress import Progress
from tap_kananas.bookmarks import MAX_LOOKBACK_SECONDS, Bookmark
from tap_kananas.client import KananasStream
from tap_kananas.resources import CONTACTS
from tap_kananas.schema.inference import InferredSchema
from tap_kananas.schema.primary_key import MAX_NAMES, RECORD_HASH, PrimaryKeyCheck, RecordHasher
from tap_kananas.schema.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    import requests
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

    from rest_tap.tap import RestTap
    from tap_kananas.resources import Resource
    from tap_kananas.response.handover import Handover

# What the state of a stream holds beside the SDK's own entries.
STATE_ROWS = "rows"
STATE_COLUMNS = "columns"


class AccountStream(KananasStream):
    """A list whose schema is learnt from the very response whose records are sent.

    So each column has the type its values need. A catalog says which columns are wanted; it
    does not narrow what they hold.
    """

    # What was found has been told before the first record is sent.
    is_quiet = True

    # Records are brought into the types of their columns here, once.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(
        self,
        tap: RestTap,
        resource: Resource,
        state: Mapping[str, Any],
        handover: Handover | None = None,
    ) -> None:
        """Prepare.

        Args:
            tap: The tap.
            resource: What is read.
            state: What the last run left of it.
            handover: Where discovery leaves the list for the run that follows.
        """
        self.resource = resource
        self._handover = handover
        self._earlier = state
        super().__init__(tap, name=resource.name)

    # What the settings say, and a catalog does not change.

    @property
    def primary_keys(self) -> Sequence[str]:
        """The key the setting names: it is checked against the account."""
        return self.resource.primary_keys

    @primary_keys.setter
    def primary_keys(self, new_value: Sequence[str]) -> None:
        """Leave the key to the setting."""

    @property
    def replication_key(self) -> str | None:
        """The column that says when a record changed, where the setting names one."""
        return self.resource.replication_key

    @replication_key.setter
    def replication_key(self, new_value: str | None) -> None:
        """Leave the column to the setting."""

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take from a catalog what is selected, and whether to read the whole table."""
        super().apply_catalog(catalog)
        if self.replication_key is None:
            self.forced_replication_method = None

    # The response

    @cached_property
    def _bookmark(self) -> Bookmark | None:
        """How far the list has been read; None for a whole table."""
        key = self.replication_key
        if key is None or self.replication_method != REPLICATION_INCREMENTAL:
            return None
        return Bookmark(
            key,
            self._earlier,
            zone=self._zone,
            look_back=timedelta(seconds=min(self.config["lookback_seconds"], MAX_LOOKBACK_SECONDS)),
            started_at=datetime.fromtimestamp(self.started_at / 1000, tz=timezone.utc),
        )

    @property
    def lower_bound(self) -> str | None:
        """The bookmark less the look-back, as the service writes it; None for a whole table."""
        if self._bookmark is None:
            return None
        value = self._bookmark.lower_bound(self.resource.replication_format)
        return None if value is None else str(value)

    @property
    def handover(self) -> Handover | None:
        """That of the tap, for a list that is read whole by one request.

        When a read of changes began, and whether pages have moved, only the service can say.
        """
        if self.resource.paging or self.replication_key is not None:
            return None
        return self._handover

    def note_response(self, response: requests.Response) -> None:
        """Learn from a response when the read began."""
        if self._bookmark is not None:
            self._bookmark.note_response(response)

    @property
    def _zone(self) -> ZoneInfo | None:
        name = self.config.get("timezone")
        return ZoneInfo(name) if name else None

    @cached_property
    def _records_and_schema(self) -> tuple[Spool, InferredSchema]:
        """All records and what their columns hold, asked for once in the life of the stream.

        Raises:
            FatalAPIError: If the response holds no records, or the key does not fit them.
        """
        records, columns = Spool(), InferredSchema(self._zone)
        key = PrimaryKeyCheck(self.primary_keys)
        hash_record = RecordHasher() if RECORD_HASH in self.primary_keys else None
        progress = Progress(self.logger, self.name, "records found")
        bookmark = self._bookmark
        if bookmark is not None and bookmark.is_ahead:
            self.logger.warning(
                "%s: the bookmark of the state lies in the future: all records are read", self.name
            )

        def end_page() -> None:
            key.end_page()
            if bookmark is not None:
                bookmark.end_page()

        def as_row(sent: dict[str, Any]) -> dict[str, Any]:
            record = without_loader_columns(sent)
            return {RECORD_HASH: hash_record(record), **record} if hash_record else record

        def is_new(sent: dict[str, Any]) -> bool:
            # The hash of a record that comes again would be that of a twin.
            record = without_loader_columns(sent)
            return not hash_record.has_seen(record) if hash_record else key.is_new(record)

        for sent in self.list_records(end_page, is_new):
            row = as_row(sent)
            columns.add(row)
            key.add(row)
            if bookmark is not None:
                bookmark.add(row)
            records.append(row)
            progress.count()
        problem = key.problem(records, paged=self.resource.paging is not None)
        if problem:
            setting = "primary_keys" if self.name == CONTACTS else "requests"
            message = f"{self.name}: {problem}: check {self.setting(setting)}"
            raise FatalAPIError(message)
        if len(records) and self.replication_key not in {None, *columns.names}:
            message = (
                f"{self.name}: no column '{self.replication_key}', which is to say when a record "
                f"changed; columns seen: {', '.join(columns.names[:MAX_NAMES])}: check "
                f"{self.setting('requests')}"
            )
            raise FatalAPIError(message)
        self._log_found(records, columns)
        return records, columns

    def _log_found(self, records: Spool, columns: InferredSchema) -> None:
        """Log in one line what the service sent."""
        since = "" if self.lower_bound is None else f" since {self.lower_bound}"
        if len(records):
            self.logger.info(
                "%s: %s records%s with %d columns found at %s, key %s",
                self.name,
                f"{len(records):,}",
                since,
                len(columns),
                self.found_at,
                " + ".join(self.primary_keys),
            )
        else:
            empty = "nothing is new" if since else "the list is empty"
            self.logger.info("%s: 0 records%s found: %s", self.name, since, empty)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The schema of the list; columns no record shows keep what the state knows of them."""
        _, columns = self._records_and_schema
        wanted = [*self.primary_keys, *([self.replication_key] if self.replication_key else [])]
        earlier = self._earlier.get(STATE_COLUMNS, {})
        known = {name: earlier.get(name, {"type": ["string", "null"]}) for name in wanted}
        return columns.schema(self.primary_keys, known)

    @property
    def expected_records(self) -> int:
        """How many records the response has."""
        return len(self._records_and_schema[0])

    # Sending

    def read(self, context: Context | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        """Yield the wanted columns of the records, each value in the type of its column.

        Raises:
            FatalAPIError: If the list has shrunk too much to be believed.
        """
        records, columns = self._records_and_schema
        if self.replication_method == REPLICATION_FULL_TABLE:
            self._guard(len(records))
        left_out = frozenset(name for name in columns.names if not self.mask["properties", name])
        conversions = {
            name: convert for name, convert in columns.conversions().items() if name not in left_out
        }
        for record in records:
            row = record
            if left_out:
                row = {name: value for name, value in record.items() if name not in left_out}
            for name, convert in conversions.items():
                if name in row:
                    row[name] = convert(row[name])
            yield row

    def record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        """Yield the messages of a record, whose columns have been chosen and brought into type."""
        now = datetime.now(tz=timezone.utc)
        for stream_map in self.stream_maps:
            with failures_told(self.name):
                mapped = stream_map.transform(record)
            if mapped is not None:
                yield RecordMessage(
                    stream=stream_map.stream_alias,
                    record=mapped,
                    version=self._stream_version,
                    time_extracted=now,
                )

    def _guard(self, rows: int) -> None:
        problem = explain_shrinking(
            rows,
            self._earlier.get(STATE_ROWS),
            min_records=self.resource.min_records,
            max_shrink=self.config["max_shrink"],
        )
        if problem:
            message = f"{self.name}: {problem}"
            raise FatalAPIError(message)

    def conclude(self, context: Context | None) -> None:  # noqa: ARG002
        """Note in the state how many rows a complete read had, and the types of its key."""
        records, _ = self._records_and_schema
        if self.replication_method == REPLICATION_FULL_TABLE:
            self.stream_state[STATE_ROWS] = len(records)
        elif self._bookmark is not None:
            self._bookmark.save(self.stream_state)
        known = {*self.primary_keys, self.replication_key}
        properties = self.schema["properties"]
        self.stream_state[STATE_COLUMNS] = {
            name: schema for name, schema in properties.items() if name in known
        }
        self.state_manager.is_flushed = False

    def note_record(self, record: Record, context: Context | None) -> None:
        """Leave the bookmark to `conclude`, which knows when the read began."""

    def log_sync_costs(self) -> None:
        """Leave out the summary: the line about what was found has said it."""


def explain_shrinking(
    rows: int, rows_before: int | None, *, min_records: int, max_shrink: int
) -> str | None:
    """Return why a list is too short to be passed on.

    A permission that was taken away, or a filter that slipped in, shortens a list that looks
    healthy. Rows that are not in a whole list count as deleted, so such a list is refused.

    Args:
        rows: How many records the list has now.
        rows_before: How many it had when it was last read whole; None where nobody knows.
        min_records: The fewest it may have.
        max_shrink: How many percent of the rows before may be missing.

    Returns:
        One line that says how to accept the list; None where it is long enough.
    """
    if rows < min_records:
        return (
            f"{rows:,} records, where setting 'min_records' asks for {min_records:,}: nothing was "
            "passed on, and the table stays as it is"
        )
    if rows_before and 100 * rows < rows_before * (100 - max_shrink):
        return (
            f"{rows:,} records, where there were {rows_before:,} the last time, and setting "
            f"'max_shrink' allows {max_shrink} % to vanish at once: nothing was passed on, and "
            "the table stays as it is; if the records are really gone, run once with "
            "TAP_KANANAS_MAX_SHRINK=100"
        )
    return None
