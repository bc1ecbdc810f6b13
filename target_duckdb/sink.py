"""One stream under one schema, from its messages to its staging table."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from singer_sdk.sinks import Sink

from target_duckdb.codec import DELETED_AT, METADATA, VERSION, Codec
from target_duckdb.column_types import BIGINT_MAX, BIGINT_MIN, TypeOptions
from target_duckdb.errors import (
    InvalidKeyError,
    InvalidValueError,
    MissingKeyError,
    RecordError,
    SchemaError,
)
from target_duckdb.load import StagedColumn, StagingTable
from target_duckdb.memory import STAGING
from target_duckdb.staging import StagingFile
from target_duckdb.values import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import msgspec

    from target_duckdb.target import TargetDuckDB

CHUNK_ROWS = 122_880
"""Rows read into DuckDB at once: just one of its row groups, which it then compresses only once.

A group that is filled by several chunks is compressed and written anew with each of them.
"""

CHUNK_BYTES = 256 << 20
_COUNTED_AT_ONCE = 1_000
_NULLABLE_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_NO_METADATA: dict[str, Any] = {}


def is_version(value: object) -> bool:
    """Tell whether a message's `version` is one."""
    return type(value) is int and BIGINT_MIN <= value <= BIGINT_MAX


class DuckDBSink(Sink):
    """Checks the records of a stream and stages them."""

    def __init__(
        self,
        target: TargetDuckDB,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
    ) -> None:
        """Prepare for a stream's records.

        Args:
            target: The target the stream is loaded by.
            stream_name: Name of the stream.
            schema: JSON schema of its records.
            key_properties: Names of its key properties.

        Raises:
            SchemaError: No table can be made from the schema.
        """
        super().__init__(target, stream_name, schema, key_properties)
        self._target = target
        self._metadata = bool(self.config.get("add_record_metadata"))
        # What the tap says about deletion is the tap's; all other metadata is the loader's.
        self._given = set(METADATA) - {DELETED_AT} if self._metadata else {VERSION}
        self._has_deleted_at = DELETED_AT in schema["properties"]
        if self._metadata and not self._has_deleted_at:
            properties = {**schema["properties"], DELETED_AT: _NULLABLE_MOMENT}
            schema = {**schema, "properties": properties}
        try:
            self._codec = Codec(
                schema,
                self.key_properties,
                TypeOptions(uuid=self.config["uuid_type"]),
                validate=self.validate_schema,
                metadata=frozenset(self._given),
                warn=lambda text: self.logger.warning("Stream '%s': %s", stream_name, text),
            )
        except SchemaError as error:
            msg = f"stream {stream_name!r}: {error}"
            raise SchemaError(msg) from None
        self._sent_rows = self._sent_bytes = self._counted = 0
        self._file = self._new_file()
        self.staging = StagingTable(f"_staged_{uuid4().hex}", self._staged_columns())
        #: The newest version of the records since the last activation or commit, None for none.
        self.unactivated: int | None = None
        self._has_versions = False
        self.activation: int | None = None
        #: Whether a record was quarantined since the last version was activated: its row, if
        #: it has one, then looks as if it had vanished.
        self.has_refused = False

    # What the SDK would do to every record, done by the codec instead.

    def get_validator(self) -> None:
        """Leave validation to the codec."""
        return

    def _add_sdc_metadata_to_schema(self) -> None:
        """Leave the schema as it came: metadata columns are not the tap's."""

    def _remove_sdc_metadata_from_schema(self) -> None:
        """Leave the schema as it came."""

    # Columns

    def _staged_columns(self) -> list[StagedColumn]:
        columns = [
            StagedColumn(c.name, c.staged, c.sql_type, c.read_as, c.name in self._codec.nested)
            for c in self._codec.columns
        ]
        columns += [
            StagedColumn(name, name, sql_type, "BIGINT" if sql_type == "BIGINT" else "VARCHAR")
            for name, sql_type in METADATA.items()
            if name in self._given
        ]
        # In the order of the table, should this become it.
        last = [name for name in METADATA if name != DELETED_AT or not self._has_deleted_at]
        return sorted(columns, key=lambda c: last.index(c.name) + 1 if c.name in last else 0)

    @property
    def versioned(self) -> bool:
        """Whether the stream's records have versions."""
        return self._has_versions or self.activation is not None

    @property
    def columns(self) -> dict[str, str]:
        """Types of the columns the stream's table needs, by property name, in order."""
        properties = {
            column.name: column.sql_type
            for column in self._codec.columns
            if column.name != DELETED_AT or self._has_deleted_at
        }
        needed = set(METADATA) if self._metadata else set()
        if self.versioned:
            needed.add(VERSION)
            if not self.config["hard_delete"]:
                needed.add(DELETED_AT)
        metadata = {name: sql_type for name, sql_type in METADATA.items() if name in needed}
        return {**properties, **metadata}

    @property
    def marks_deleted(self) -> bool:
        """Whether the tap itself says which rows are deleted."""
        return any(column.name == DELETED_AT for column in self._codec.columns)

    # Records

    def add(self, record: msgspec.Raw | bytes | dict[str, Any], message: Mapping[str, Any]) -> None:
        """Stage one record.

        Args:
            record: The record, decoded or as JSON.
            message: The message it came in, for its version and time of extraction.

        Raises:
            RecordError: The record cannot be loaded and is not to be quarantined.
        """
        self._begin(message)
        buffer = self._file.buffer
        start = len(buffer)
        try:
            self._codec.stage(record, self._metadata_for(message), buffer)
        except InvalidValueError as error:
            place = f"stream {self.stream_name!r}, {self._target.place}"
            kind = MissingKeyError if isinstance(error, InvalidKeyError) else RecordError
            self._target.refuse(self.stream_name, record, str(error), kind(f"{place}: {error}"))
            return
        self._file.has_texts = True
        self._file.line_added(start)
        self._after_adding()

    def add_lines(self, lines: bytes, message: Mapping[str, Any]) -> int | None:
        """Stage many records at once, if each is just as the schema has it.

        Args:
            lines: Records as JSON, one per line.
            message: The message they came in, for their version and time of extraction.

        Returns:
            How many there were; None, and none of them staged, where `add` has to take each.
        """
        self._begin(message)
        buffer = self._file.buffer
        start = len(buffer)
        try:
            metadata = self._metadata_for(message)
            if metadata == {VERSION: self._file.version}:
                metadata = _NO_METADATA
            staged = self._codec.stage_lines(lines, metadata, buffer)
        except InvalidValueError:
            return None
        if staged is None:
            return None
        self._file.has_texts |= staged.has_texts
        added = staged.rows
        while (excess := self._file.rows + added - self._target.chunk_rows) > 0:
            rest = self._file.cut(excess)
            self._file.lines_added(start, added - excess)
            version = self._file.version
            self.stage()
            self._file.version = version
            self._file.has_texts = staged.has_texts
            self._file.buffer += rest
            start, added = 0, excess
        self._file.lines_added(start, added)
        self._after_adding()
        return staged.rows

    def _begin(self, message: Mapping[str, Any]) -> None:
        """Make sure of a staging file to which records of a message can be added.

        Where records have a version and no other metadata, those that come first in a file leave
        it out. A record without one is then in no file with them.
        """
        version = None if self._metadata else message.get("version")
        if version is None and self._file.version is not None and self._file.rows:
            self.stage()
        if not self._file.rows:
            self._file.version = version if is_version(version) else None

    def _after_adding(self) -> None:
        file = self._file
        if file.rows - self._counted >= _COUNTED_AT_ONCE:
            self._count()
            if file.size >= CHUNK_BYTES:
                self.stage()
                return
        if file.rows >= self._target.chunk_rows:
            self.stage()

    def _count(self) -> None:
        rows = self._file.rows - self._counted
        self._counted = self._file.rows
        self.tally_record_read(rows)
        self.record_counter_metric.increment(rows)

    def _metadata_for(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        is_plain = not self._metadata and message.get("version") is None
        return _NO_METADATA if is_plain else self._metadata_of(message)

    def _metadata_of(self, message: Mapping[str, Any]) -> dict[str, Any]:
        version = message.get("version")
        metadata: dict[str, Any] = {}
        if version is not None:
            if not is_version(version):
                reason = "the message's 'version' is no integer of 64 bits"
                raise InvalidValueError(reason)
            metadata[VERSION] = version
            self._has_versions = True
            if self.unactivated is None or version > self.unactivated:
                self.unactivated = version
        if self._metadata:
            now = dt.datetime.now(tz=dt.timezone.utc)
            extracted = message.get("time_extracted")
            metadata["_sdc_extracted_at"] = None if extracted is None else timestamp(extracted)
            metadata["_sdc_received_at"] = now
            metadata["_sdc_batched_at"] = self._target.flush_started_at
            metadata["_sdc_sequence"] = round(now.timestamp() * 1000)
            metadata["_sdc_sync_started_at"] = self.sync_started_at
        return metadata

    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        """Stage a decoded record."""
        del context
        self.add(record, {})

    def process_batch(self, context: dict[str, Any]) -> None:
        """Stage decoded records, if the SDK brings any, and load them into DuckDB."""
        for record in context.get("records", []):
            self.add(record, {})
        self.stage()

    def _new_file(self) -> StagingFile:
        name = f"{self._target.next_number()}.ndjson"
        return StagingFile(self._target.staging_directory, name)

    def stage(self) -> None:
        """Have the staging file moved into the staging table, and begin another."""
        file = self._file
        if not file.rows:
            return
        self._count()
        self._counted = 0
        self._sent_rows += file.rows
        self._sent_bytes += file.size
        self._file = self._new_file()
        self._target.in_background(lambda: self._load(file))
        self.mark_drained()

    def _load(self, file: StagingFile) -> None:
        database = self._target.database
        with self.batch_processing_timer:
            database.memory.run(
                lambda: self.staging.load(database.connection, file, database.staging), STAGING
            )

    @property
    def pending_rows(self) -> int:
        """Rows staged and not yet committed."""
        return self._sent_rows + self._file.rows

    @property
    def pending_bytes(self) -> int:
        """Bytes of JSON staged and not yet committed."""
        return self._sent_bytes + self._file.size

    # Versions

    def activate_version(self, new_version: int) -> None:
        """Remember that rows of older versions are to go with the next commit."""
        self.activation = new_version
        self.unactivated = None

    def is_half_read(self, table_version: int | None) -> bool:
        """Tell whether a commit now would show a part of a table that is read as a whole.

        Args:
            table_version: The newest version in the table, None where it has none. Records of a
                version that is there already belong to changes, not to a new table.
        """
        if self.unactivated is not None:
            return table_version is None or self.unactivated > table_version
        return self.activation is not None and not self._has_versions

    def committed(self) -> None:
        """Forget what has been committed."""
        self.staging.drop(self._target.database.connection)
        if self.activation is not None:
            self.has_refused = False
        self.activation = None
        self.unactivated = None
        self._sent_rows = self._sent_bytes = 0
