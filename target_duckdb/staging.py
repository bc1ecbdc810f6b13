"""Records between the decoder and the database: one file and one temporary table per stream."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import duckdb
from singer_sdk import metrics

from target_duckdb.columns import BIGINT_MAX, BIGINT_MIN, DELETED_AT, METADATA, VERSION, TypeOptions
from target_duckdb.database import STAGING, StagingPlace
from target_duckdb.decode import Decoder, Refused, Rows
from target_duckdb.errors import InvalidValueError, TargetError, one_line
from target_duckdb.locked_directory import LockedDirectory
from target_duckdb.message_errors import SchemaError
from target_duckdb.names import NO_HIVE, literal, quote
from target_duckdb.values import as_text, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from logging import Logger

    from duckdb import DuckDBPyConnection

    from target_duckdb.database import Database

_WRITE_SIZE = 1 << 20
_LEFTOVERS = ".target-duckdb-"

CHUNK_ROWS = 122_880
"""Rows read into DuckDB at once: just one of its row groups, which it then compresses only once.

A group that is filled by several chunks is compressed and written anew with each of them.
"""

CHUNK_BYTES = 256 << 20
_COUNTED_AT_ONCE = 1_000
_NULLABLE_MOMENT = {"type": ["string", "null"], "format": "date-time"}

_OBJECT_SIZE = 1 << 20
"""Bytes of the longest line DuckDB expects. It reads a file in pieces of twice this size, so that a
smaller one than its own 16 MB lets all cores work on one file."""


class StagingDirectory(LockedDirectory):
    """Where a run keeps its files."""

    def __init__(self, beside: Path | None) -> None:
        """Remove leftovers of killed runs, then make a directory.

        Args:
            beside: The database file; the directory is made next to it, so that it is on a disk
                meant for its size and found again. None for the system's temporary directory.

        Raises:
            TargetError: The directory cannot be made.
        """
        parent = Path(tempfile.gettempdir()) if beside is None else beside.parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
            super().__init__(parent, f"{_LEFTOVERS}{'memory' if beside is None else beside.name}-")
        except OSError as error:
            msg = f"cannot write to {parent}, the directory of setting 'path': {error.strerror}"
            raise TargetError(msg) from None


class StagingFile:
    """Lines of JSON on their way into DuckDB, kept in memory until they are worth a write.

    Attributes:
        path: The file (mode 0600).
        buffer: Lines that are not written yet, each ending in a newline.
        rows: Number of lines.
        longest: No line has more bytes than this.
        has_texts: Whether objects and arrays of some line are texts.
        version: The table version of each line that does not name its own.
    """

    def __init__(self, directory: Path, name: str) -> None:
        """Name the file; it is made with the first write."""
        self.path = directory / name
        self.buffer = bytearray()
        self.rows = 0
        self.longest = 0
        self.has_texts = False
        self.version: int | None = None
        self._written = 0

    @property
    def size(self) -> int:
        """Bytes of all lines."""
        return self._written + len(self.buffer)

    def add(self, lines: bytes, count: int) -> None:
        """Add lines, write if there is enough.

        Args:
            lines: The lines, each ending in a newline.
            count: How many there are.
        """
        self.buffer += lines
        self.rows += count
        # No line is longer than all of them together, which are few unless they are long.
        self.longest = max(self.longest, len(lines))
        if len(self.buffer) >= _WRITE_SIZE:
            self.write()

    def write(self) -> None:
        """Append the buffer to the file.

        Raises:
            TargetError: The disk is full, or there is another reason not to write.
        """
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.buffer)
        except OSError as error:
            msg = f"cannot write to {self.path.parent}: {error.strerror}"
            raise TargetError(msg) from None
        self._written += len(self.buffer)
        self.buffer.clear()

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class StagedColumn:
    """A column of a staging table.

    Attributes:
        name: The property or metadata column it holds.
        staged: Its key in the staging file.
        sql_type: Its type in the staging table.
        read_as: The type `read_json` reads it under.
        is_nested: Whether the staging file may hold its objects and arrays as they are.
    """

    name: str
    staged: str
    sql_type: str
    read_as: str
    is_nested: bool = False

    def read_from(self, file: StagingFile) -> str:
        """Return the type `read_json` reads it under in this file.

        As JSON, what is no text need not be parsed again on its way from text into the column.
        """
        return "JSON" if self.is_nested and not file.has_texts else self.read_as

    def cell(self, file: StagingFile) -> str:
        """Return SQL for its value in a line of this file."""
        value = f"CAST({quote(self.staged)} AS {self.sql_type})"
        if self.name == VERSION and file.version is not None:
            return f"CAST(coalesce({value}, {file.version:d}) AS {self.sql_type})"
        return value


@dataclass
class StagingTable:
    """A table with the rows of one stream under one schema, in the order they came.

    Attributes:
        name: Name of the table.
        columns: Its columns; in SQL they are called `c0`, `c1`, … in this order.
        rows: Rows in it.
    """

    name: str
    columns: Sequence[StagedColumn]
    rows: int = 0
    _place: StagingPlace | None = field(default=None, init=False)

    @property
    def sql(self) -> str:
        """The table as SQL writes it."""
        return self._sql_in(self._place or StagingPlace())

    def _sql_in(self, place: StagingPlace) -> str:
        return ".".join(map(quote, (place.database, place.schema, self.name)))

    @property
    def can_be_renamed(self) -> bool:
        """Whether a new name makes it a table of the target."""
        return self._place is not None and self._place.is_target

    def load(self, connection: DuckDBPyConnection, file: StagingFile, place: StagingPlace) -> None:
        """Add the lines of a staging file, and remove the file.

        Args:
            connection: The working connection.
            file: The lines.
            place: Where the table is made if this is the first file.

        Raises:
            RuntimeError: DuckDB read another number of rows than was written.
        """
        file.write()
        keys = ", ".join(f"{literal(c.staged)}: {literal(c.read_from(file))}" for c in self.columns)
        cells = ", ".join(f"{c.cell(file)} AS c{index}" for index, c in enumerate(self.columns))
        size = max(_OBJECT_SIZE, file.longest + 1)
        query = (
            f"SELECT {cells} FROM read_json({literal(str(file.path))}, "  # noqa: S608 (quoted names)
            f"format = 'newline_delimited', compression = 'uncompressed', columns = {{{keys}}}, "
            f"maximum_object_size = {size}, {NO_HIVE})"
        )
        if self._place is not None:
            connection.execute(f"INSERT INTO {self.sql} {query}")
        else:
            kind = "TEMP TABLE" if place == StagingPlace() else "TABLE"
            connection.execute(f"CREATE {kind} {self._sql_in(place)} AS {query}")
            self._place = place
        self.rows += file.rows
        found = connection.execute(f"SELECT count(*) FROM {self.sql}").fetchone()  # noqa: S608
        if found != (self.rows,):
            msg = f"DuckDB read {found} rows where {self.rows} were staged"
            raise RuntimeError(msg)
        file.remove()

    def drop(self, connection: DuckDBPyConnection) -> None:
        """Remove the table; one that could be renamed is gone, or has become another."""
        if not self.can_be_renamed:
            connection.execute(f"DROP TABLE IF EXISTS {self.sql}")
        self.rows = 0
        self._place = None


class StagingArea:
    """Where the streams of a run are staged: a directory, the database, a thread beside Python's.

    Attributes:
        path: The directory.
        database: The database, checked once.
        batch_started_at: When the last commit was, or the run began.
    """

    def __init__(self, directory: StagingDirectory, database: Database) -> None:
        """Take the directory and the database, both of which `close` closes."""
        self._directory = directory
        self.path = directory.path
        self.database = database
        self.batch_started_at = dt.datetime.now(tz=dt.timezone.utc)
        self._numbers = count()
        self._worker = ThreadPoolExecutor(1, "target-duckdb")
        self._working: Any = None

    def new_file(self) -> StagingFile:
        """Return a staging file of a name of its own."""
        return StagingFile(self.path, f"{next(self._numbers)}.ndjson")

    def in_background(self, work: Callable[[], None]) -> None:
        """Let DuckDB work while the next records are read; one piece of work at a time.

        Raises:
            TargetError: DuckDB failed at the piece of work before this one.
        """
        self.await_background()
        self._working = self._worker.submit(work)

    def await_background(self) -> None:
        """Wait until nothing is being done.

        Raises:
            TargetError: DuckDB failed at it.
        """
        if self._working is not None:
            working, self._working = self._working, None
            try:
                working.result()
            except duckdb.Error as error:
                msg = f"DuckDB cannot stage this: {one_line(error)}"
                raise TargetError(msg) from error

    def close(self) -> None:
        """Close the working connection and remove private files; uncommitted rows are dropped."""
        self._worker.shutdown()
        self.database.close()
        self._directory.close()

    def remove_files(self) -> None:
        """Remove private files, whatever is being done."""
        self._directory.close()


def comes_before(version: int, other: int) -> bool:
    """Return whether a version is older than another, or from a clock that was ahead.

    `merge` compares the versions of rows alike.
    """
    now = time.time_ns() // 1_000_000
    return version < other or other <= now < version


def is_version(value: object) -> bool:
    """Return whether a message's `version` is one."""
    return type(value) is int and BIGINT_MIN <= value <= BIGINT_MAX


@dataclass(frozen=True)
class StreamOptions:
    """What settings say about every stream.

    Attributes:
        add_record_metadata: Whether tables get the SDK's metadata columns.
        hard_delete: Whether deleted rows go.
        validate_records: Whether records are checked against all of their schema.
        uuid_type: Type of strings of format `uuid`.
        chunk_rows: Rows read into DuckDB at once.
        sync_started_at: When the run began, in milliseconds since 1970.
    """

    add_record_metadata: bool
    hard_delete: bool
    validate_records: bool
    uuid_type: str
    chunk_rows: int
    sync_started_at: int


class Stream:
    """The records of one stream under one schema, decoded and staged until the next commit.

    Attributes:
        name: Name of the stream.
        schema: JSON schema of its records.
        keys: Names of its key properties.
        wide: Names of properties whose integers need 128 bits, whatever the schema says.
        staging: The table they are staged in.
        unactivated: The newest version of records since the last activation or commit, or None.
        activation: The version that is to be active with the next commit, or None.
        has_refused: Whether a record was quarantined since the last version was activated: its
            row, if it has one, then looks as if it had vanished.
    """

    def __init__(  # noqa: PLR0913
        self,
        name: str,
        schema: dict[str, Any],
        keys: Sequence[str],
        *,
        options: StreamOptions,
        area: StagingArea,
        logger: Logger,
        wide: frozenset[str] = frozenset(),
    ) -> None:
        """Prepare for a stream's records.

        Args:
            name: Name of the stream.
            schema: JSON schema of its records.
            keys: Names of its key properties.
            options: The settings.
            area: Where it is staged.
            logger: Told what is no error but worth knowing.
            wide: Names of properties whose integers need 128 bits, whatever the schema says.

        Raises:
            SchemaError: No table can be made from the schema.
        """
        self.name = name
        self.schema = schema
        self.keys = list(keys)
        self.wide = wide
        self.logger = logger
        self._options = options
        self._area = area
        # What the tap says about deletion is the tap's; all other metadata is the loader's.
        metadata = set(METADATA) - {DELETED_AT} if options.add_record_metadata else {VERSION}
        self._metadata = frozenset(metadata)
        self._declares_deleted_at = DELETED_AT in schema["properties"]
        self._marks_deleted = self._declares_deleted_at
        has_columns = bool(schema["properties"]) or options.add_record_metadata
        if has_columns and not self._declares_deleted_at:
            # A tap that reads a log marks deleted rows, whether its schema says so or not.
            properties = {**schema["properties"], DELETED_AT: _NULLABLE_MOMENT}
            schema = {**schema, "properties": properties}
        try:
            self._decoder = Decoder(
                schema,
                self.keys,
                TypeOptions(uuid=options.uuid_type, wide=wide),
                validate=options.validate_records,
                metadata=self._metadata,
                warn=lambda text: logger.warning("Stream '%s': %s", name, text),
            )
        except SchemaError as error:
            msg = f"stream {name!r}: {error}"
            raise SchemaError(msg) from None
        self.exact = {column.name for column in self._decoder.columns if column.is_exact}
        self._file = area.new_file()
        self._sent_rows = self._sent_bytes = self._counted = 0
        self.staging = StagingTable(f"_staged_{uuid4().hex}", self._staged_columns())
        self.unactivated: int | None = None
        self.activation: int | None = None
        self._activated: int | None = None
        self.has_refused = False
        self._has_versions = self._has_told_time = False
        self._counter = metrics.record_counter(name)
        self._timer_tags = {metrics.Tag.STREAM: name}

    # Columns

    def _staged_columns(self) -> list[StagedColumn]:
        columns = [
            StagedColumn(c.name, c.staged, c.staged_type, c.read_as, c.name in self._decoder.nested)
            for c in self._decoder.columns
        ]
        columns += [
            StagedColumn(name, name, sql_type, "BIGINT" if sql_type == "BIGINT" else "VARCHAR")
            for name, sql_type in METADATA.items()
            if name in self._metadata
        ]
        # In the order of the table, should this become it.
        last = [name for name in METADATA if name != DELETED_AT or not self._declares_deleted_at]
        return sorted(columns, key=lambda c: last.index(c.name) + 1 if c.name in last else 0)

    @property
    def has_versions(self) -> bool:
        """Whether records of the stream have come with a version."""
        return self._has_versions

    @property
    def versioned(self) -> bool:
        """Whether the stream's records have versions."""
        return self._has_versions or self.activation is not None

    @property
    def columns(self) -> dict[str, str]:
        """Types of the columns the stream's table needs, by property name, in order."""
        properties = {
            column.name: column.sql_type
            for column in self._decoder.columns
            if column.name != DELETED_AT or self._declares_deleted_at
        }
        needed = set(METADATA) if self._options.add_record_metadata else set()
        if self.versioned:
            needed.add(VERSION)
        if self._marks_deleted or (self.versioned and not self._options.hard_delete):
            needed.add(DELETED_AT)
        metadata = {name: kind for name, kind in METADATA.items() if name in needed}
        return {**properties, **metadata}

    @property
    def marks_deleted(self) -> bool:
        """Whether the tap itself says which rows are deleted."""
        return self._marks_deleted

    def look_for_deleted(self, connection: DuckDBPyConnection) -> None:
        """Find out whether a staged record says that its row is deleted, schema or not."""
        names = [column.name for column in self.staging.columns]
        if not self._marks_deleted and self.staging.rows and DELETED_AT in names:
            condition = f"c{names.index(DELETED_AT)} IS NOT NULL"
            query = f"SELECT 1 FROM {self.staging.sql} WHERE {condition} LIMIT 1"  # noqa: S608
            self._marks_deleted = connection.execute(query).fetchone() is not None

    # Records

    def add(self, lines: bytes, version: object, time_extracted: str | None) -> Iterator[Refused]:
        """Stage records; yield those that cannot be loaded.

        Args:
            lines: The records as JSON, one per line.
            version: The table version of all of them, None for none.
            time_extracted: When they were extracted.
        """
        try:
            metadata = self._begin(version, time_extracted)
        except InvalidValueError as error:
            for index, line in enumerate(lines.splitlines()):
                yield Refused(index, line, error)
            return
        for found in self._decoder.decode(lines, metadata):
            if isinstance(found, Rows):
                self._append(found)
            else:
                yield found

    def add_one(
        self, record: object, version: object, time_extracted: str | None
    ) -> Iterator[Refused]:
        """Stage a record that is decoded already; yield it if it cannot be loaded."""
        try:
            found = self._decoder.decode_one(record, self._begin(version, time_extracted))
        except InvalidValueError as error:
            found = Refused(0, as_text(record), error)
        if isinstance(found, Rows):
            self._append(found)
        else:
            yield found

    def _version_of(self, version: object) -> object:
        """Return the version that a record counts as.

        What comes after an ACTIVATE_VERSION message is no row that it was to take away: without a
        version, or with an older one, it is a change to what has been activated.
        """
        if self._activated is None or not self._has_versions:
            return version
        if version is None or (isinstance(version, int) and comes_before(version, self._activated)):
            return self._activated
        return version

    def _begin(self, version: object, time_extracted: str | None) -> Mapping[str, Any]:
        """Make sure of a staging file for records; return the values of their metadata columns.

        Where records have a version and no other metadata, those that come first in a file leave
        it out. A record without one is then in no file with them.
        """
        metadata: dict[str, Any] = {}
        version = self._version_of(version)
        if version is not None:
            if not isinstance(version, int) or not is_version(version):
                reason = "the message's 'version' is no integer of 64 bits"
                raise InvalidValueError(reason)
            self._has_versions = True
            self.unactivated = max(version, self.unactivated or version)
            metadata[VERSION] = version
        if self._options.add_record_metadata:
            now = dt.datetime.now(tz=dt.timezone.utc)
            metadata["_sdc_extracted_at"] = self._extracted_at(time_extracted)
            metadata["_sdc_received_at"] = now
            metadata["_sdc_batched_at"] = self._area.batch_started_at
            metadata["_sdc_sequence"] = round(now.timestamp() * 1000)
            metadata["_sdc_sync_started_at"] = self._options.sync_started_at
            return metadata
        if version is None and self._file.version is not None and self._file.rows:
            self.stage()
        if not self._file.rows:
            self._file.version = version
        return {} if version == self._file.version else metadata

    def _extracted_at(self, time_extracted: object) -> str | None:
        """Return when records were extracted, None where the message does not tell."""
        if time_extracted is None or time_extracted == "":
            return None
        try:
            return timestamp(time_extracted)
        except InvalidValueError as error:
            if not self._has_told_time:
                self._has_told_time = True
                self.logger.warning(
                    "Stream '%s': the 'time_extracted' of messages cannot be read (%s): "
                    "'_sdc_extracted_at' is null for them",
                    self.name,
                    error,
                )
            return None

    def _append(self, rows: Rows) -> None:
        lines, left = rows.lines, rows.count
        while (room := self._options.chunk_rows - self._file.rows) < left:
            end = 0
            for _ in range(room):
                end = lines.index(b"\n", end) + 1
            self._file.has_texts |= rows.has_texts
            self._file.add(lines[:end], room)
            self.stage()
            lines, left = lines[end:], left - room
        self._file.has_texts |= rows.has_texts
        self._file.add(lines, left)
        if self._file.rows - self._counted >= _COUNTED_AT_ONCE:
            self._count()
        if self._file.rows >= self._options.chunk_rows or self._file.size >= CHUNK_BYTES:
            self.stage()

    def _count(self) -> None:
        self._counter.increment(self._file.rows - self._counted)
        self._counted = self._file.rows

    def stage(self) -> None:
        """Have the staging file moved into the staging table, and begin another."""
        file = self._file
        if not file.rows:
            return
        self._count()
        self._counted = 0
        self._sent_rows += file.rows
        self._sent_bytes += file.size
        self._file = self._area.new_file()
        self._file.version = file.version  # of the rows that the same message still brings
        self._area.in_background(lambda: self._load(file))

    def _load(self, file: StagingFile) -> None:
        database = self._area.database
        with metrics.Timer(metrics.Metric.BATCH_PROCESSING_TIME, tags=self._timer_tags):
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

    # Versions and commits

    def activate_version(self, version: int) -> None:
        """Remember that rows of older versions are to go with the next commit."""
        if self.activation is None or not comes_before(version, self.activation):
            self.activation = version
        if self._activated is None or not comes_before(version, self._activated):
            self._activated = version
        self.unactivated = None

    def follow(self, before: Stream) -> None:
        """Take over the versions of the stream that another SCHEMA message has replaced."""
        if before.has_versions and before._activated is not None:
            self._has_versions = True
            self._activated = before._activated
        elif before.activation is not None and not before.has_versions:
            self.activate_version(before.activation)  # for the records that follow, too

    def is_half_read(self, table_version: int | None) -> bool:
        """Return whether a commit now would show a part of a table that is read as a whole.

        Args:
            table_version: The newest version in the table, None where it has none. Records of a
                version that is there already belong to changes, not to a new table.
        """
        if self.unactivated is not None:
            return table_version is None or self.unactivated > table_version
        return self.activation is not None and not self._has_versions

    def committed(self, connection: DuckDBPyConnection) -> None:
        """Forget what has been committed."""
        self.staging.drop(connection)
        if self.activation is not None:
            self.has_refused = False
        self.activation = None
        self.unactivated = None
        self._sent_rows = self._sent_bytes = 0

    def close(self) -> None:
        """Say how many records there were."""
        self._counter.exit()
