"""The target: which message does what."""

from __future__ import annotations

import io
import logging
import os
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast

import msgspec
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities
from singer_sdk.mapper import RemoveRecordTransform

from target_duckdb import batch_files
from target_duckdb.codec import decoded
from target_duckdb.command import CommandTarget
from target_duckdb.drain import Drain
from target_duckdb.errors import (
    BatchError,
    InvalidValueError,
    MessageError,
    NoSchemaError,
    RecordError,
    SchemaError,
    TargetError,
)
from target_duckdb.flattening import columns_told, flattenable
from target_duckdb.mapping import is_identity, mapped
from target_duckdb.names import folded, storable
from target_duckdb.quarantine import TABLE_NAME
from target_duckdb.reader import LineReader
from target_duckdb.references import without_lost
from target_duckdb.resources import Resources
from target_duckdb.settings import CONFIG_JSONSCHEMA, QUARANTINE
from target_duckdb.sink import CHUNK_ROWS, DuckDBSink, is_version
from target_duckdb.values import as_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.mapper import StreamMap

    from target_duckdb.database import Database

_SIGNALLED = 128

Record = msgspec.Raw | bytes | dict[str, Any]


class TargetDuckDB(CommandTarget):
    """Loads the streams of any Singer tap into DuckDB, losing nothing."""

    name = "target-duckdb"
    package_name = "kananas-kizen-elt"
    config_jsonschema = CONFIG_JSONSCHEMA
    default_sink_class = DuckDBSink
    message_reader_class = LineReader
    message_reader: LineReader
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
        PluginCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.BATCH,
        TargetCapabilities.SOFT_DELETE,
        TargetCapabilities.HARD_DELETE,
        TargetCapabilities.TARGET_SCHEMA,
        TargetCapabilities.VALIDATE_RECORDS,
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Take the settings; nothing is opened before the first SCHEMA message.

        Args:
            *args: As the SDK's targets.
            **kwargs: As the SDK's targets.
        """
        super().__init__(*args, **kwargs)
        self._fill_in_defaults()
        self._resources = Resources(self.config, self.logger)
        self._drain = Drain(self.config, self._resources)
        self.chunk_rows = min(CHUNK_ROWS, self.config["batch_size_rows"])
        self.message_reader.on_bad_line = self._refuse_line
        self.message_reader.on_records = self._load_run
        self._batch_file: str | None = None
        self._batch_line = 0
        self._routes: dict[str, list[tuple[DuckDBSink, StreamMap | None]]] = {}

    def _fill_in_defaults(self) -> None:
        """Take a setting that is null or empty, as Meltano may send it, for one not given."""
        for name, definition in CONFIG_JSONSCHEMA["properties"].items():
            if "default" in definition and self._config.get(name) in {None, ""}:
                self._config[name] = definition["default"]

    # What sinks work with

    @property
    def staging_directory(self) -> Path:
        """A directory of this run alone."""
        return self._resources.directory

    @property
    def database(self) -> Database:
        """The database, checked once."""
        return self._resources.database

    @property
    def flush_started_at(self) -> dt.datetime:
        """When the last commit was, or the run began."""
        return self._drain.started_at

    def in_background(self, work: Callable[[], None]) -> None:
        """Let DuckDB work while the next records are read; one piece of work at a time.

        Raises:
            Exception: What the piece of work before this one raised.
        """
        self._resources.in_background(work)

    def next_number(self) -> int:
        """Return a number that nothing else in this run has."""
        return self._resources.next_number()

    @property
    def place(self) -> str:
        """Where the record being read stands, in words."""
        line = f"line {self.message_reader.line_number}"
        if self._batch_file is None:
            return line
        return f"{line} ({self._batch_file}, line {self._batch_line})"

    # Messages

    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        stream, schema = message_dict.get("stream"), message_dict.get("schema")
        if not isinstance(stream, str) or not isinstance(schema, dict):
            msg = f"{self.place}: a SCHEMA message needs 'stream' and 'schema'"
            raise MessageError(msg)
        if not isinstance(schema.get("properties"), dict):
            msg = f"{self.place}: the schema of stream {stream!r} has no 'properties'"
            raise MessageError(msg)
        keys = message_dict.get("key_properties") or []
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            msg = f"{self.place}: the 'key_properties' of stream {stream!r} are no list of names"
            raise MessageError(msg)
        _ = self.database  # opened now, so that a wrong setting shows before anything is read
        try:
            own = without_lost(schema, lambda reference: self._warn_lost(stream, reference))
            flattening = self.mapper.flattening_options
            if flattening is not None and flattening.enabled and flattening.max_level > 0:
                own = flattenable(own, flattening.max_level)
            with columns_told(stream):
                super()._process_schema_message({**message_dict, "schema": own})
        except RecursionError:
            msg = f"stream {stream!r}: the schema is nested too deeply"
            raise SchemaError(msg) from None
        routes = list(self._find_routes(stream))
        if any(folded(storable(sink.stream_name)) == TABLE_NAME for sink, _ in routes):
            msg = (
                f"{self.place}: the table {TABLE_NAME!r} is kept for records that cannot be "
                f"loaded; give stream {stream!r} another '__alias__' in 'stream_maps'"
            )
            raise MessageError(msg)
        self._routes[stream] = routes

    def _warn_lost(self, stream: str, reference: str) -> None:
        self.logger.warning(
            "Stream '%s': the reference %r leads nowhere in its schema; values are not checked "
            "against it",
            stream,
            reference,
        )

    def _find_routes(self, stream: str) -> Iterator[tuple[DuckDBSink, StreamMap | None]]:
        """Yield where records of a stream go, each with the map they go through on the way."""
        for stream_map in self.mapper.stream_maps[stream]:
            if isinstance(stream_map, RemoveRecordTransform):
                self._sinks_active.pop(stream_map.stream_alias, None)
                continue
            sink = cast("DuckDBSink", self._sinks_active[stream_map.stream_alias])
            yield sink, None if is_identity(stream_map) else stream_map

    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        stream, record = message_dict.get("stream"), message_dict.get("record")
        if not isinstance(stream, str) or record is None:
            self._refuse_line(b"", "a RECORD message needs 'stream' and 'record'")
            return
        self._load(stream, record, message_dict)

    def _load(self, stream: str, record: Record, message: Mapping[str, Any]) -> None:
        routes = self._routes.get(stream)
        if routes is None:
            reason = "its SCHEMA message has not come"
            error = NoSchemaError(f"stream {stream!r}, {self.place}: {reason}")
            self.refuse(stream, record, reason, error)
            return
        for sink, stream_map in routes:
            own = record if stream_map is None else self._mapped(stream_map, record)
            if own is not None:
                sink.add(own, message)

    def _load_run(self, stream: str, version: int | None, records: list[msgspec.Raw]) -> bool:
        """Load records that came one after another, if none of them needs a look of its own."""
        if self.config["add_record_metadata"]:
            return False  # each has its own time of extraction
        return self._load_lines(stream, b"\n".join(records), {"version": version}) is not None

    def _load_lines(self, stream: str, lines: bytes, message: Mapping[str, Any]) -> int | None:
        """Load records that differ in nothing but themselves.

        Args:
            stream: Name of their stream.
            lines: The records as JSON, one per line.
            message: The message they came in.

        Returns:
            How many there were; None, and none of them loaded, where each has to be looked at.
        """
        routes = self._routes.get(stream, [])
        if len(routes) != 1 or routes[0][1] is not None:
            return None
        return routes[0][0].add_lines(lines, message)

    def _mapped(self, stream_map: StreamMap, record: Record) -> dict[str, Any] | None:
        """Run a record through the user's stream map; None where the map drops it."""
        name, values = stream_map.stream_alias, record
        if not isinstance(values, dict):
            try:
                values = decoded(values)
            except InvalidValueError as error:
                self.refuse(name, record, str(error), RecordError(f"{self.place}: {error}"))
                return None
        try:
            return mapped(stream_map, values)
        except InvalidValueError as error:
            failure = RecordError(f"stream {name!r}, {self.place}: {error}")
            self.refuse(name, values, str(error), failure)
            return None

    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        stream, manifest = message_dict.get("stream"), message_dict.get("manifest")
        encoding = message_dict.get("encoding")
        if (
            not isinstance(stream, str)
            or not isinstance(manifest, list)
            or not all(isinstance(url, str) for url in manifest)
            or not isinstance(encoding, dict)
        ):
            msg = f"{self.place}: a BATCH message needs 'stream', 'encoding' and 'manifest'"
            raise MessageError(msg)
        if stream not in self._routes:
            msg = f"stream {stream!r}, {self.place}: its SCHEMA message has not come"
            raise NoSchemaError(msg)
        for url in manifest:
            extracted = message_dict.get("time_extracted") or batch_files.written_at(url)
            message = {"version": message_dict.get("version"), "time_extracted": extracted}
            self._batch_file = batch_files.shown(url)
            quarantined = self._resources.quarantine.rows
            self._batch_line = 0
            for lines in self._batch_lines(url, encoding):
                loaded = self._load_lines(stream, lines, message)
                if loaded is not None:
                    self._batch_line += loaded
                    continue
                for line in io.BytesIO(lines):
                    self._batch_line += 1
                    if not line.isspace():
                        self._load(stream, line, message)
            self._batch_file = None
            is_transient = message_dict.get("transient") is True
            # A file with a line that is no record may be no batch file at all: it stays.
            if is_transient or self._resources.quarantine.rows == quarantined:
                self._drain.batch_read(url, is_transient=is_transient)

    def _batch_lines(self, url: str, encoding: Mapping[str, Any]) -> Iterator[bytes]:
        storage = (self.config.get("batch_config") or {}).get("storage")
        kind = encoding.get("format")
        if kind == batch_files.JSON_LINES:
            return batch_files.read_lines(url, encoding.get("compression"), storage)
        if kind == batch_files.PARQUET:
            connection = self.database.connection
            return batch_files.read_rows(url, connection, self.staging_directory, storage)
        msg = f"{self.place}: batch format {kind!r} is unknown; use jsonl or parquet"
        raise BatchError(msg)

    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        stream, version = message_dict.get("stream"), message_dict.get("version")
        if not isinstance(stream, str) or not is_version(version):
            msg = f"{self.place}: an ACTIVATE_VERSION message needs 'stream' and 'version'"
            raise MessageError(msg)
        if stream not in self._routes:
            msg = f"stream {stream!r}, {self.place}: its SCHEMA message has not come"
            raise NoSchemaError(msg)
        for sink, _ in self._routes[stream]:
            if sink.process_activate_version_messages:
                sink.activate_version(cast("int", version))

    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        value = bytes(message_dict.get("value", b""))
        if not value:
            msg = f"{self.place}: a STATE message needs 'value'"
            raise MessageError(msg)
        self._drain.state = value
        if self._drain.is_due(self._sinks):
            self.flush()

    def _refuse_line(self, line: bytes, reason: str) -> None:
        """Deal with a line that is no message."""
        self.refuse(None, line, reason, MessageError(f"{self.place}: {reason}"))

    def refuse(self, stream: str | None, record: Record, reason: str, error: TargetError) -> None:
        """Deal with something that cannot be loaded as the user wishes.

        Args:
            stream: Name of its stream, None where that cannot be told.
            record: The record, or the line.
            reason: What is wrong with it.
            error: What is raised where it is not to be quarantined.

        Raises:
            TargetError: The given error.
        """
        if self.config["on_invalid_record"] != QUARANTINE:
            raise error
        for sink in self._sinks:
            if stream is None or sink.stream_name == stream:
                sink.has_refused = True
        text = as_text(record) if isinstance(record, dict) else bytes(record)
        self._resources.quarantine.add(stream, self.message_reader.line_number, reason, text)

    # Commits

    @property
    def _sinks(self) -> list[DuckDBSink]:
        """All sinks with anything to commit, those of earlier schemas first."""
        sinks = [*self._sinks_to_clear, *self._sinks_active.values()]
        return [sink for sink in sinks if isinstance(sink, DuckDBSink)]

    def flush(self) -> None:
        """Commit all that was read, then pass on the STATE that stands for it.

        Raises:
            TargetError: Something cannot be loaded; nothing of this flush is in the database.
        """
        self._drain.flush(self._sinks)
        for old in self._sinks_to_clear:
            old.clean_up()
        self._sinks_to_clear = []

    def process_endofpipe(self) -> None:
        """Commit what is left and close."""
        self.flush()
        for sink in self._sinks_active.values():
            sink.clean_up()
        self.close()

    def close(self) -> None:
        """Close the working connection and remove private files; uncommitted rows are dropped."""
        self._resources.close()

    def _handle_termination(self, signum: int, frame: FrameType | None) -> NoReturn:
        """End at once: what was committed is whole, and its STATE has been passed on.

        Nothing is raised, since the signal may come in the middle of a statement of DuckDB. To the
        database this is a crash, which it is made for.
        """
        del frame
        self.logger.warning("Ended by signal %d; rows not yet committed are dropped", signum)
        self._resources.remove_directory()
        logging.shutdown()
        os._exit(_SIGNALLED + signum)
