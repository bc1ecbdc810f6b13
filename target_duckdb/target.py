"""The target: which message does what, and when what was staged is committed."""

from __future__ import annotations

import datetime as dt
import io
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar, NoReturn, cast

import duckdb
import msgspec
from singer_sdk import Target
from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform

from target_duckdb import batch_files
from target_duckdb.codec import decoded
from target_duckdb.commit import Committer
from target_duckdb.database import Database, is_file
from target_duckdb.errors import (
    BatchError,
    InvalidValueError,
    MessageError,
    NoSchemaError,
    RecordError,
    SchemaError,
    TargetError,
    one_line,
)
from target_duckdb.memory import COMMIT
from target_duckdb.names import folded, storable
from target_duckdb.quarantine import TABLE_NAME, Quarantine
from target_duckdb.reader import LineReader
from target_duckdb.references import without_lost
from target_duckdb.settings import CONFIG_JSONSCHEMA, OVERWRITE, QUARANTINE
from target_duckdb.sink import CHUNK_ROWS, DuckDBSink, is_version
from target_duckdb.staging import StagingDirectory
from target_duckdb.values import as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future
    from types import FrameType

    import click
    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.mapper import StreamMap
    from singer_sdk.plugin_base import _ConfigInput

_LONGEST_WAIT = dt.timedelta(minutes=5)
"""A STATE message that comes later after the last commit makes the target commit."""

_EXIT_WRONG_SETTINGS = 2
_SIGNALLED = 128

Record = msgspec.Raw | bytes | dict[str, Any]


class TargetDuckDB(Target):
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
        self.flush_started_at = dt.datetime.now(tz=dt.timezone.utc)
        self.chunk_rows = min(CHUNK_ROWS, self.config["batch_size_rows"])
        self.message_reader.on_bad_line = self._refuse_line
        self.message_reader.on_records = self._load_run
        self._numbers = count()
        self._batch_file: str | None = None
        self._batch_line = 0
        self._routes: dict[str, list[tuple[DuckDBSink, StreamMap | None]]] = {}
        self._batch_files: list[str] = []
        #: The newest version in the table of each stream, as asked for since the last commit.
        self._versions: dict[str, int | None] = {}
        self._state: bytes | None = None
        self._worker = ThreadPoolExecutor(1, "target-duckdb")
        self._working: Future[None] | None = None

    def _fill_in_defaults(self) -> None:
        """Take a setting that is null or empty, as Meltano may send it, for one not given."""
        for name, definition in CONFIG_JSONSCHEMA["properties"].items():
            if "default" in definition and self._config.get(name) in {None, ""}:
                self._config[name] = definition["default"]

    # What the run works with, made when it is first needed.

    @cached_property
    def _staging_directory(self) -> StagingDirectory:
        path = self.config["path"]
        return StagingDirectory(Path(path).expanduser().absolute() if is_file(path) else None)

    @property
    def staging_directory(self) -> Path:
        """A directory of this run alone."""
        return self._staging_directory.path

    @cached_property
    def database(self) -> Database:
        """The database, checked once."""
        database = Database(
            self.config["path"],
            name=self.config.get("database"),
            schema=self.config["default_target_schema"],
            options=self.config.get("settings") or {},
            max_memory=self.config.get("max_memory"),
            directory=self.staging_directory,
            lock_timeout=self.config["lock_timeout"],
            logger=self.logger,
        )
        database.check()
        return database

    @cached_property
    def _committer(self) -> Committer:
        return Committer(
            database=self.database.name,
            schema=self.config["default_target_schema"],
            load_method=self.config["load_method"],
            hard_delete=self.config["hard_delete"],
        )

    @cached_property
    def _quarantine(self) -> Quarantine:
        return Quarantine(self.staging_directory)

    def in_background(self, work: Callable[[], None]) -> None:
        """Let DuckDB work while the next records are read; one piece of work at a time.

        Raises:
            Exception: What the piece of work before this one raised.
        """
        self._await_background()
        self._working = self._worker.submit(work)

    def _await_background(self) -> None:
        if self._working is not None:
            working, self._working = self._working, None
            try:
                working.result()
            except duckdb.Error as error:
                msg = f"DuckDB cannot stage this: {one_line(error)}"
                raise TargetError(msg) from error

    def next_number(self) -> int:
        """Return a number that nothing else in this run has."""
        return next(self._numbers)

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
        if folded(storable(stream)) == TABLE_NAME:
            msg = f"{self.place}: the name {TABLE_NAME!r} is kept for records that cannot be loaded"
            raise MessageError(msg)
        keys = message_dict.get("key_properties") or []
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            msg = f"{self.place}: the 'key_properties' of stream {stream!r} are no list of names"
            raise MessageError(msg)
        _ = self.database  # opened now, so that a wrong setting shows before anything is read
        try:
            own = without_lost(schema, lambda reference: self._warn_lost(stream, reference))
            super()._process_schema_message({**message_dict, "schema": own})
        except RecursionError:
            msg = f"stream {stream!r}: the schema is nested too deeply"
            raise SchemaError(msg) from None
        self._routes[stream] = list(self._find_routes(stream))

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
            yield sink, None if _is_identity(stream_map) else stream_map

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
            mapped = record if stream_map is None else self._mapped(stream_map, record)
            if mapped is not None:
                sink.add(mapped, message)

    def _load_run(self, stream: str, version: int | None, records: list[msgspec.Raw]) -> bool:
        """Load records that came one after another, if none of them needs a look of its own."""
        if self.config["add_record_metadata"]:
            return False  # each has its own time of extraction
        return self._load_lines(stream, b"\n".join(records), {"version": version})

    def _load_lines(self, stream: str, lines: bytes, message: Mapping[str, Any]) -> bool:
        """Load records that differ in nothing but themselves; False where each has to be looked at.

        Args:
            stream: Name of their stream.
            lines: The records as JSON, one per line.
            message: The message they came in.
        """
        routes = self._routes.get(stream, [])
        if len(routes) != 1 or routes[0][1] is not None:
            return False
        return routes[0][0].add_lines(lines, message) is not None

    def _mapped(self, stream_map: StreamMap, record: Record) -> dict[str, Any] | None:
        """Run a record through the user's stream map; None where the map drops it."""
        if not isinstance(record, dict):
            try:
                record = decoded(record)
            except InvalidValueError as error:
                name = stream_map.stream_alias
                self.refuse(name, record, str(error), RecordError(f"{self.place}: {error}"))
                return None
        try:
            result = stream_map.transform(record)
        except Exception as error:  # noqa: BLE001 (whatever the user's expressions raise)
            # Python's own words would quote the value.
            words = str(error) if isinstance(error, MappingError) else type(error).__name__
            reason = f"its stream map fails: {words}"
            name = f"stream {stream_map.stream_alias!r}, {self.place}"
            failure = RecordError(f"{name}: {reason}")
            self.refuse(stream_map.stream_alias, record, reason, failure)
            return None
        return None if result is None else _as_json_values(result)

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
            quarantined = self._quarantine.rows
            self._batch_line = 0
            for lines in self._batch_lines(url, encoding):
                if self._load_lines(stream, lines, message):
                    self._batch_line += lines.count(b"\n")
                    continue
                for line in io.BytesIO(lines):
                    self._batch_line += 1
                    if not line.isspace():
                        self._load(stream, line, message)
            self._batch_file = None
            # A file with a line that is no record may be no batch file at all: it stays.
            if self._quarantine.rows == quarantined:
                self._batch_files.append(url)

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
        self._state = value
        if self._is_time_to_commit():
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
        self._quarantine.add(stream, self.message_reader.line_number, reason, text)

    # Commits

    @property
    def _sinks(self) -> list[DuckDBSink]:
        """All sinks with anything to commit, those of earlier schemas first."""
        sinks = [*self._sinks_to_clear, *self._sinks_active.values()]
        return [sink for sink in sinks if isinstance(sink, DuckDBSink)]

    def _is_time_to_commit(self) -> bool:
        sinks = self._sinks
        now = dt.datetime.now(tz=dt.timezone.utc)
        is_due = (
            sum(sink.pending_rows for sink in sinks) >= self.config["batch_size_rows"]
            or sum(sink.pending_bytes for sink in sinks) >= self.config["batch_size_bytes"]
            or now - self.flush_started_at >= _LONGEST_WAIT
        )
        # What replaces a whole table is committed when it is whole, and the STATE waits for it.
        return is_due and self.config["load_method"] != OVERWRITE and not self._is_half_read(sinks)

    def _is_half_read(self, sinks: list[DuckDBSink]) -> bool:
        """Tell whether a commit now would show a part of a table that is read as a whole."""
        unknown = [
            sink
            for sink in sinks
            if sink.unactivated is not None and sink.stream_name not in self._versions
        ]
        if unknown:
            self._await_background()
            with self.database.reading() as connection:
                if connection is not None:
                    self._versions.update(self._committer.versions(connection, unknown))
        return any(sink.is_half_read(self._versions.get(sink.stream_name)) for sink in sinks)

    def flush(self) -> None:
        """Commit all that was read, then pass on the STATE that stands for it.

        Raises:
            TargetError: Something cannot be loaded; nothing of this flush is in the database.
        """
        sinks = self._sinks
        try:
            if sinks or self._quarantine.rows:
                connection = self.database.connection
                for sink in sinks:
                    sink.stage()
                self._await_background()
                self._quarantine.stage(connection)
                self.database.memory.run(lambda: self._write(sinks), COMMIT)
                self._committer.committed()
                for sink in sinks:
                    sink.committed()
                self._versions.clear()
                self._quarantine.clear(connection)
        except duckdb.Error as error:
            msg = f"DuckDB cannot load this: {one_line(error)}"
            raise TargetError(msg) from error
        for old in self._sinks_to_clear:
            old.clean_up()
        self._sinks_to_clear = []
        self._write_state()
        if not self.config["keep_batch_files"]:
            for url in self._batch_files:
                batch_files.remove(url)
        self._batch_files.clear()
        self.flush_started_at = dt.datetime.now(tz=dt.timezone.utc)

    def _write(self, sinks: list[DuckDBSink]) -> None:
        """Write all that is staged, in one transaction."""
        with self.database.writing() as connection:
            self._committer.write(connection, sinks)
            self._quarantine.write(
                connection, self.database.name, self.config["default_target_schema"]
            )

    def _write_state(self) -> None:
        if self._state is not None:
            # Past the encoding of the stream, which need not be UTF-8.
            if hasattr(sys.stdout, "buffer"):
                sys.stdout.buffer.write(self._state + b"\n")
            else:
                sys.stdout.write(self._state.decode() + "\n")
            sys.stdout.flush()
            self._state = None

    def process_endofpipe(self) -> None:
        """Commit what is left and close."""
        self.flush()
        for sink in self._sinks_active.values():
            sink.clean_up()
        self.close()

    def close(self) -> None:
        """Close the working connection and remove private files; uncommitted rows are dropped."""
        self._worker.shutdown()
        if "database" in self.__dict__:
            self.database.close()
        if "_staging_directory" in self.__dict__:
            self._staging_directory.close()

    def _handle_termination(self, signum: int, frame: FrameType | None) -> NoReturn:
        """End at once: what was committed is whole, and its STATE has been passed on.

        Nothing is raised, since the signal may come in the middle of a statement of DuckDB. To the
        database this is a crash, which it is made for.
        """
        del frame
        self.logger.warning("Ended by signal %d; rows not yet committed are dropped", signum)
        if "_staging_directory" in self.__dict__:
            self._staging_directory.close()
        logging.shutdown()
        os._exit(_SIGNALLED + signum)

    # Command line

    @classmethod
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read the files of `--config`; one that is missing or no JSON object ends the program.

        Args:
            ctx: Of the command line.
            param: The option.
            value: Paths, or `ENV`.
        """
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, TypeError, ValueError) as error:
            name = "', '".join(path for path in value if path != "ENV")
            cls.logger.error(  # noqa: TRY400 (one line is enough)
                "Wrong settings: --config '%s' is no file with a JSON object: %s",
                name,
                one_line(error),
            )
            sys.exit(_EXIT_WRONG_SETTINGS)

    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        file_input: IO[str] | None = None,
    ) -> None:
        """Run the target; an error the user can do something about is one line and an exit code.

        Args:
            about: Show settings and capabilities, and nothing else.
            about_format: How they are shown.
            config: Settings.
            file_input: Messages; standard input if None.
        """
        try:
            super().invoke(
                about=about, about_format=about_format, config=config, file_input=file_input
            )
        except ConfigValidationError as error:
            for line in map(_without_secrets, error.errors):
                cls.logger.error("Wrong settings: %s", line)  # noqa: TRY400 (one line is enough)
            sys.exit(_EXIT_WRONG_SETTINGS)
        except MappingError as error:
            cls.logger.error("Wrong settings: config['stream_maps']: %s", error)  # noqa: TRY400
            sys.exit(_EXIT_WRONG_SETTINGS)
        except TargetError as error:
            cls.logger.error("%s", error)  # noqa: TRY400 (one line is enough)
            sys.exit(1)


def _without_secrets(line: str) -> str:
    """Leave out what a setting that may hold secrets was set to."""
    for name, definition in CONFIG_JSONSCHEMA["properties"].items():
        if definition.get("secret") and f"['{name}']" in line:
            return f"config['{name}'] is of a wrong type"
    return line


def _is_identity(stream_map: StreamMap) -> bool:
    return isinstance(stream_map, SameRecordTransform) and not stream_map.flattening_enabled


def _as_json_values(value: Any) -> Any:  # noqa: ANN401
    """Turn what stream maps may make, such as dates, into values that JSON has."""
    if isinstance(value, dict):
        return {str(key): _as_json_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json_values(item) for item in value]
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if value is None or isinstance(value, (str, int, float, Decimal)):
        return value
    return str(value)
