"""Writes a stream's records as RECORD messages or BATCH files, with versions and progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from singer_sdk.exceptions import ConfigurationError
from singer_sdk.helpers._batch import SDKBatchMessage
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from rest_tap.errors import PartialReadError, UnavailableError
from rest_tap.mapping import failures_told
from rest_tap.progress import Part, Progress
from rest_tap.sdk import OpenRestStream
from rest_tap.writers.batches import check_storage, local_root, pages_of
from rest_tap.writers.messages import BufferedWriter

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sized

    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context, Record

    from rest_tap.tap import RestTap

Page = TypeVar("Page", bound="Sized")

#: Where the state of a stream keeps the version that the last read of the whole table had.
STATE_VERSION = "table_version"


def next_version(now: int, last: object) -> int:
    """Return a version that is newer than the last one, whatever the clock has done since.

    Args:
        now: Milliseconds since 1970.
        last: What the state holds; anything but an integer is no version.
    """
    return max(now, last + 1) if type(last) is int else now


@dataclass
class BatchMessage(SDKBatchMessage):
    """A BATCH message whose files are nobody's but the loader's.

    Attributes:
        transient: Says so: the files may go as soon as they are read. Where what is in them is
            not committed after all, another run reads it from the service again.
    """

    transient: bool = True


class WritingStream(OpenRestStream):
    """A stream that sends what it reads: one by one, by the page, or in files.

    After a complete read of a whole table, and only then, ACTIVATE_VERSION tells the loader which
    rows are current.
    """

    #: Whether the run goes on, with a warning, where the service does not offer this list.
    optional = False

    #: Whether a read that took a few seconds only needs no line at its end.
    is_quiet = False

    #: Whether the running read left something out.
    _has_gaps = False

    #: Why the last read left something out, though it went through; None where it was whole.
    shortfall: Exception | None = None

    #: The version to be announced once the last batch is written.
    _due_version: int | None = None

    #: What the run made of this stream, for the summary at its end.
    _outcome: str | None = None

    def pages_read(self) -> Part | None:
        """Return how many pages of the list have been read, and how many it has, if known."""
        return None

    # Whole tables

    @property
    def started_at(self) -> int:
        """When the run began, in milliseconds since 1970."""
        return self._initialized_at

    @property
    def emit_activate_version_messages(self) -> bool:
        """Keep the SDK from announcing a version before the table has been read."""
        return False

    @property
    def sends_versions(self) -> bool:
        """Whether the loader is to learn which rows vanished."""
        return bool(self.config.get("emit_activate_version_messages", True))

    def begin(self, context: Context | None) -> bool:
        """Prepare a read; set the version its records carry.

        Returns:
            Whether the read covers the whole table, so that what it does not find is gone.
        """
        whole = self.sends_versions and self.replication_method == REPLICATION_FULL_TABLE
        self._stream_version = None
        if whole:
            state = self.get_context_state(context)
            self._stream_version = next_version(self.started_at, state.get(STATE_VERSION))
            state[STATE_VERSION] = self._stream_version
        return whole

    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:
        """Yield the records, with a progress line now and then."""
        for (record,) in self._whole_read(context, zip(self.read(context))):
            yield record

    def _whole_read(self, context: Context | None, pages: Iterable[Page]) -> Iterator[Page]:
        """Yield records, some at a time, with what goes before the first and after the last.

        ACTIVATE_VERSION follows the last record of a whole table. When a read fails, is cut
        short or leaves something out, this point is never reached, and the loader keeps the
        rows it has.
        """
        self._has_gaps = False
        self.shortfall = None
        whole = self.begin(context)
        try:
            progress = Progress(self.logger, self.name, quiet=self.is_quiet, pages=self.pages_read)
            with progress:
                for page in pages:
                    progress.count(len(page))
                    yield page
        except UnavailableError as error:
            if not self.optional:
                raise
            self.skip(str(error))
            return
        if whole and not self._has_gaps and self._stream_version is not None:
            if self.get_batch_config(self.config) is None:
                self._write_activate_version_message(self._stream_version)
            else:
                self._due_version = self._stream_version
        self.conclude(context)
        self._outcome = f"{progress.records:,} records"

    # Rows by the page

    @property
    def has_rows(self) -> bool:
        """Whether `read_rows` is there, and quicker than `read`."""
        return False

    def read_rows(self, context: Context | None) -> Iterable[list[Any]]:
        """Yield, a page at a time, what `read` and `post_process` make of the records.

        Rows are values that `rest_tap.writers.messages` writes. What is to be noted of a page is
        noted once the next one is asked for.
        """
        raise NotImplementedError

    def _is_sent_in_pages(self, context: Context | None) -> bool:
        """Whether nobody looks at single records: no map, no stream below, no limit."""
        return (
            self.has_rows
            and self.is_sent_as_read
            and self.selected
            and not self.child_streams
            and not self.partitions
            and not context
            and self.ABORT_AT_RECORD_COUNT is None
        )

    def sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        """Send the records, by the page where that can be done.

        Yields:
            Each record that is not sent by the page.
        """
        writer = self._tap.message_writer
        has_pages = write_messages and self._is_sent_in_pages(context)
        if not has_pages or not isinstance(writer, BufferedWriter):
            yield from super().sync_records(context, write_messages=write_messages)
            return
        told = 0
        for rows in self._sync_pages():
            message = RecordMessage(
                stream=self.name,
                record={},
                version=self._stream_version,
                time_extracted=datetime.now(tz=timezone.utc),
            )
            writer.write_records(message, rows)
            self.state_manager.is_flushed = False
            told += len(rows)
            if told >= self.STATE_MSG_FREQUENCY:
                told = 0
                self._write_state_message()
        self._write_state_message()

    def _sync_pages(self) -> Iterator[list[Any]]:
        """Do around the rows what the SDK does around records."""
        counter = self.get_record_counter()
        with counter, self.get_sync_timer():
            self._write_starting_replication_value(None)
            for rows in self._whole_read(None, self.read_rows(None)):
                counter.increment(len(rows))
                yield rows
        self._finalize_state(self.stream_state)

    @cached_property
    def is_sent_as_read(self) -> bool:
        """Whether records are sent as `read` gives them: no column left out, nothing mapped."""
        stream_map = self.stream_maps[0]
        plain = isinstance(stream_map, SameRecordTransform) and not stream_map.flattening_enabled
        return len(self.stream_maps) == 1 and plain and all(self.mask.values())

    def process_record(
        self,
        record: Record,
        child_context: Context | None = None,
        partition_context: Context | None = None,
    ) -> None:
        """Return a record to the streams below and its partition's keys, where there are any."""
        if self.child_streams or partition_context:
            super().process_record(record, child_context, partition_context)

    def record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        """Yield the messages of a record; one that needs no change is not looked into."""
        if not self.is_sent_as_read or self.TYPE_CONFORMANCE_LEVEL is not TypeConformanceLevel.NONE:
            with failures_told(self.name):
                messages = list(super().record_messages(record))
            yield from messages
            return
        yield RecordMessage(
            stream=self.name,
            record=record,
            version=self._stream_version,
            time_extracted=datetime.now(tz=timezone.utc),
        )

    def get_batch_config(self, config: Mapping[str, Any]) -> BatchConfig | None:
        """Return how batch files are written; None where records have to be sent as messages.

        The SDK writes records to batch files as they are before columns are left out and
        stream maps applied: a column that is to be hashed or removed would be in them.
        """
        return super().get_batch_config(config) if self.is_sent_as_read else None

    def get_batches(
        self, batch_config: BatchConfig, context: Context | None = None
    ) -> Iterable[tuple[BaseBatchFileEncoding, list[str]]]:
        """Write the records into files of this machine, or, for any other kind, as the SDK does.

        Yields:
            The encoding and the address of each file.

        Raises:
            ConfigurationError: If another kind needs a package that is not installed, or there is
                no such storage.
        """
        root = local_root(batch_config)
        if root is None:
            try:
                check_storage(batch_config.storage)
                yield from super().get_batches(batch_config, context)
            except ImportError as error:
                message = f"setting 'batch_config' needs a package that is not installed: {error}"
                raise ConfigurationError(message) from error
            return
        files = cast("RestTap", self._tap).batch_folder(root)
        max_rows = batch_config.batch_size
        pages: Iterable[list[Any]]
        if self._is_sent_in_pages(context):
            pages = self._sync_pages()
        else:
            pages = pages_of(self.sync_records(context, write_messages=False), max_rows)
        for address in files.write(pages, batch_config.encoding.compression, max_rows):
            yield batch_config.encoding, [address]

    def batch_messages(
        self, encoding: BaseBatchFileEncoding, manifest: list[str]
    ) -> Generator[SDKBatchMessage, None, None]:
        """Yield the messages of a batch, with the version that its records carry."""
        for message in super().batch_messages(encoding, manifest):
            yield BatchMessage(message.stream, encoding, manifest, self._stream_version)

    def sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Write the batches; the last one comes after the last record, and the version after it."""
        super().sync_batches(batch_config, context)
        version, self._due_version = self._due_version, None
        if version is not None:
            self._write_activate_version_message(version)

    def read(self, context: Context | None) -> Iterable[dict[str, Any]]:
        """Yield the records as the service sends them."""
        yield from self.request_records(context)

    def conclude(self, context: Context | None) -> None:
        """Note what a read that came to its end has reached."""

    def skip(self, reason: str) -> None:
        """Say, once, that this stream could not be read, and let the run go on."""
        self.logger.warning("skipped: %s", reason)
        self._outcome = f"skipped: {reason}"
        self.shortfall = UnavailableError(reason)

    def leave_out(self, reason: str) -> None:
        """Say that a part of this stream could not be read; no row counts as gone then."""
        self._has_gaps = True
        self.shortfall = PartialReadError(f"{self.name}: {reason}")
        self.logger.warning("%s: %s", self.name, reason)

    def log_sync_costs(self) -> None:
        """Put this stream's line into the summary, which the SDK asks for at the end."""
        if self._outcome is not None:
            self.logger.info("Summary: %s: %s", self.name, self._outcome)
