"""The target: which message does what."""

from __future__ import annotations

import io
import logging
import os
import re
import sys
from collections import Counter
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar, NoReturn, cast

from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities
from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.singerlib.encoding.base import SingerMessageType

from target_duckdb import batch_files, extensions
from target_duckdb.checkpoint import Checkpoint
from target_duckdb.cli import CommandTarget
from target_duckdb.database import Database, reserved
from target_duckdb.decode import Refused, decoded
from target_duckdb.errors import (
    BatchError,
    InvalidKeyError,
    InvalidValueError,
    SettingError,
    TargetError,
    WideIntegerError,
)
from target_duckdb.extensions import is_lake
from target_duckdb.mapping import is_identity, mapped
from target_duckdb.message_errors import (
    MessageError,
    MissingKeyError,
    NoSchemaError,
    RecordError,
    SchemaError,
)
from target_duckdb.messages import BadLine, Message, Records, State, read_messages
from target_duckdb.names import folded, storable
from target_duckdb.paths import is_file, problem
from target_duckdb.quarantine import TABLE_NAME, Quarantine
from target_duckdb.schemas import columns_told, flattenable, normalized
from target_duckdb.settings import CONFIG_JSONSCHEMA, QUARANTINE, completed, from_environment
from target_duckdb.staging import (
    CHUNK_ROWS,
    StagingArea,
    StagingDirectory,
    Stream,
    StreamOptions,
    is_version,
)
from target_duckdb.values import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.mapper import StreamMap

_SIGNALLED = 128
_REMEDY = f"setting 'on_invalid_record': {QUARANTINE!r} puts such records aside and loads the rest"

_MOST_TURNS = 20

_PATTERN = re.compile(r"[*?[]")
"""What makes a name in `stream_maps` one for several streams."""


class TargetDuckDB(CommandTarget):
    """Loads the streams of any Singer tap into DuckDB, losing nothing."""

    name = "target-duckdb"
    package_name = "kananas-kizen-elt"
    config_jsonschema = CONFIG_JSONSCHEMA
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

    def __init__(self, *args: Any, parse_env_config: bool = False, **kwargs: Any) -> None:  # noqa: ANN401
        """Take the settings; nothing is opened before the first SCHEMA message.

        Args:
            *args: As the SDK's targets.
            parse_env_config: Whether settings come from the environment, too.
            **kwargs: As the SDK's targets.

        Raises:
            SettingError: `path` can name no database.
        """
        self._reads_environment = parse_env_config
        super().__init__(*args, **kwargs)
        path, data_path = self.config["path"], self.config.get("data_path")
        wrong = extensions.problem(path, data_path) if is_lake(path) else problem(path)
        wrong = wrong or reserved(self.config.get("database"), self.config["default_target_schema"])
        if wrong is not None:
            raise SettingError(wrong)
        self._options = StreamOptions(
            add_record_metadata=self.config["add_record_metadata"],
            hard_delete=self.config["hard_delete"],
            validate_records=self.config["validate_records"],
            uuid_type=self.config["uuid_type"],
            chunk_rows=min(CHUNK_ROWS, self.config["batch_size_rows"]),
            sync_started_at=self.initialized_at,
        )
        #: The newest schema of each stream of the database, and what earlier ones have staged.
        self._streams: dict[str, Stream] = {}
        self._replaced: list[Stream] = []
        #: Where records go, by the name that the tap has for their stream.
        self._routes: dict[str, list[tuple[Stream, StreamMap | None]]] = {}
        #: Properties whose integers turned out to need 128 bits, by stream of the database.
        self._wide: dict[str, frozenset[str]] = {}
        self._without_schema: set[str] = set()
        #: References that lead nowhere, by stream: some taps send a SCHEMA message with each page.
        self._lost: set[tuple[str, str]] = set()
        #: Streams of the database that are made of several streams of the tap.
        self._shared: set[str] = set()

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings, those completed that Meltano and the environment send as texts."""
        self.append_builtin_config(self.config_jsonschema)
        given = self._config
        if self._reads_environment:
            given = {**given, **from_environment(self.config_jsonschema, self._env_var_prefix)}
        self._config = completed(given, self.config_jsonschema)
        found: list[str] = super()._validate_config(raise_errors=raise_errors)
        return found

    # Opened when they are first needed

    @cached_property
    def area(self) -> StagingArea:
        """Where streams are staged, with the database, which is checked once.

        Raises:
            TargetError: The database cannot be opened, or refuses a setting.
        """
        path = self.config["path"]
        if is_lake(path):
            beside = extensions.catalog_file(path)
        else:
            beside = Path(path).expanduser().absolute() if is_file(path) else None
        directory = StagingDirectory(beside)
        try:
            database = Database(
                path,
                name=self.config.get("database"),
                schema=self.config["default_target_schema"],
                options=self.config.get("settings") or {},
                max_memory=self.config.get("max_memory"),
                directory=directory.path,
                lock_timeout=self.config["lock_timeout"],
                logger=self.logger,
                data_path=self.config.get("data_path"),
            )
            database.check()
        except BaseException:
            directory.close()
            raise
        return StagingArea(directory, database)

    @property
    def database(self) -> Database:
        """The database."""
        return self.area.database

    @cached_property
    def quarantine(self) -> Quarantine:
        """Where records go that cannot be loaded."""
        return Quarantine(self.area.path)

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """What commits."""
        return Checkpoint(self.config, self.area, self.quarantine)

    # Messages

    def process_lines(self, file_input: IO[str] | None) -> Counter[str]:  # type: ignore[misc]
        """Read all messages and do what each says.

        Args:
            file_input: Lines, as bytes or text; standard input if None.

        Returns:
            Number of messages by type.
        """
        seen: Counter[str] = Counter()
        source = sys.stdin.buffer if file_input is None else file_input
        with_times = self.config["add_record_metadata"]
        for message in read_messages(source, with_times=with_times):
            if isinstance(message, Records):
                self._load_records(message)
                seen[SingerMessageType.RECORD] += message.count
            elif isinstance(message, State):
                self._take_state(message)
                seen[SingerMessageType.STATE] += 1
            elif isinstance(message, BadLine):
                error = MessageError(f"line {message.line}: {message.reason}")
                self._refuse(None, message.text, message.reason, message.line, error)
            else:
                self._process(message)
                seen[message.type] += 1
        return seen

    def _process(self, message: Message) -> None:
        if message.type == SingerMessageType.SCHEMA:
            self._take_schema(message)
        elif message.type == SingerMessageType.BATCH:
            self._load_batch(message)
        else:
            self._activate_version(message)

    def _take_schema(self, message: Message) -> None:
        place, members = f"line {message.line}", message.members
        name, schema = members.get("stream"), members.get("schema")
        if not isinstance(name, str) or not isinstance(schema, dict):
            msg = f"{place}: a SCHEMA message needs 'stream' and 'schema'"
            raise MessageError(msg)
        keys = members.get("key_properties") or []
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            msg = f"{place}: the 'key_properties' of stream {name!r} are no list of names"
            raise MessageError(msg)
        _ = self.area  # opened now, so that a wrong setting shows before anything is read
        try:
            own = normalized(schema, lambda reference: self._warn_lost(name, reference))
            if not isinstance(own.get("properties"), dict):
                msg = (
                    f"{place}: the schema of stream {name!r} has no 'properties'; add them to the "
                    "tap's catalog (below Meltano by the extra 'schema')"
                )
                raise MessageError(msg)
            flattening = self.mapper.flattening_options
            if flattening is not None and flattening.enabled and flattening.max_level > 0:
                own = flattenable(own, flattening.max_level)
            with columns_told(name):
                routes = list(self._find_routes(name, own, keys))
        except RecursionError:
            msg = f"stream {name!r}: the schema is nested too deeply"
            raise SchemaError(msg) from None
        except SchemaError as error:
            msg = str(error) if str(error).startswith("stream ") else f"stream {name!r}: {error}"
            raise SchemaError(msg) from None
        if any(folded(storable(stream.name)) == TABLE_NAME for stream, _ in routes):
            msg = (
                f"{place}: the table {TABLE_NAME!r} is kept for records that cannot be "
                f"loaded; give stream {name!r} another '__alias__' in 'stream_maps'"
            )
            raise MessageError(msg)
        self._routes[name] = routes
        for stream in self._all_streams:
            if stream.activation is not None and self._is_shared(stream):
                stream.activation = None

    def _warn_lost(self, stream: str, reference: str) -> None:
        if (stream, reference) in self._lost:
            return
        self._lost.add((stream, reference))
        self.logger.warning(
            "Stream '%s': the reference %r leads nowhere in its schema; values are not checked "
            "against it",
            stream,
            reference,
        )

    def _find_routes(
        self, name: str, schema: dict[str, Any], keys: list[str]
    ) -> Iterator[tuple[Stream, StreamMap | None]]:
        """Yield where records of a stream go, each with the map they go through on the way."""
        known = self.mapper.stream_maps.get(name)
        if known is None or (known[0].raw_schema, known[0].raw_key_properties) != (schema, keys):
            try:
                self.mapper.register_raw_stream_schema(name, schema, keys)
            except (AttributeError, LookupError, TypeError) as error:
                # Of a property whose schema is none, say: the SDK does not look.
                msg = (
                    f"stream {name!r}: setting 'stream_maps' does not fit its schema "
                    f"({type(error).__name__}: {error})"
                )
                raise SchemaError(msg) from None
        for stream_map in self.mapper.stream_maps[name]:
            if not isinstance(stream_map, RemoveRecordTransform):
                stream = self._stream(
                    stream_map.stream_alias,
                    stream_map.transformed_schema,
                    list(stream_map.transformed_key_properties or []),
                )
                yield stream, None if is_identity(stream_map) else stream_map

    def _stream(self, name: str, schema: dict[str, Any], keys: list[str]) -> Stream:
        """Return the stream, a new one where its schema or keys are not those of before."""
        known = self._streams.get(name)
        wide = self._wide.get(name, frozenset())
        if known is not None:
            if (known.schema, known.keys, known.wide) == (schema, keys, wide):
                return known
            self._replaced.append(known)
        stream = Stream(
            name,
            schema,
            keys,
            options=self._options,
            area=self.area,
            logger=self.logger.getChild(storable(name)),
            wide=wide,
        )
        if known is not None:
            stream.follow(known)
        self._streams[name] = stream
        return stream

    def _current_routes(self, name: str) -> list[tuple[Stream, StreamMap | None]]:
        """Return where records of a stream go, none where its SCHEMA has not come.

        Where streams share an `__alias__` with different schemas, each takes the table over from
        the other whenever it sends a record, so that of one key the last record wins. The schemas
        take turns a few times only between two commits: each turn is a staging table of its own.
        """
        routes = self._routes.get(name, [])
        if any(self._streams[stream.name] is not stream for stream, _ in routes):
            routes = [(self._resumed(stream), stream_map) for stream, stream_map in routes]
            self._routes[name] = routes
        return routes

    def _resumed(self, stream: Stream) -> Stream:
        if stream in self._replaced and len(self._replaced) >= _MOST_TURNS:
            return stream
        return self._stream(stream.name, stream.schema, stream.keys)

    # Records

    def _load_records(self, message: Records) -> None:
        first, version, time = message.line, message.version, message.time_extracted
        routes = self._current_routes(message.stream)
        if not routes and message.stream not in self._routes:
            reason = "its SCHEMA message has not come"
            for line, record in enumerate(message.lines.split(b"\n"), first):
                error = NoSchemaError(f"stream {message.stream!r}, line {line}: {reason}")
                self._refuse(message.stream, record, reason, line, error)
            return
        for stream, stream_map in routes:
            if message.decoded is not None:
                found = self._add_one(stream, stream_map, message.decoded, version, time)
            else:
                found = self._add(stream, stream_map, message.lines, version, time)
            for refused in found:
                line = first + refused.index
                self._refuse_record(stream, refused, f"line {line}", line)

    def _add(
        self,
        stream: Stream,
        stream_map: StreamMap | None,
        lines: bytes,
        version: object,
        time: str | None,
    ) -> Iterator[Refused]:
        """Stage records, each as the user's stream map has it; yield those that cannot be."""
        if stream_map is None:
            for refused in self._wide_enough(stream).add(lines, version, time):
                if isinstance(refused.error, WideIntegerError):
                    # What follows goes to a wider column with it, so that the order stays.
                    self._widen(stream, refused.error.name)
                    rest = b"\n".join(lines.split(b"\n")[refused.index :])
                    for other in self._add(stream, None, rest, version, time):
                        yield replace(other, index=refused.index + other.index)
                    return
                yield refused
            return
        for index, line in enumerate(io.BytesIO(lines)):
            if line.isspace():
                continue
            try:
                record = decoded(line)
            except InvalidValueError as error:
                yield Refused(index, line, error)
                continue
            for refused in self._add_one(stream, stream_map, record, version, time):
                yield replace(refused, index=index)

    def _add_one(
        self,
        stream: Stream,
        stream_map: StreamMap | None,
        record: Any,  # noqa: ANN401
        version: object,
        time: str | None,
    ) -> Iterator[Refused]:
        if stream_map is not None:
            try:
                record = mapped(stream_map, record)
            except InvalidValueError as error:
                yield Refused(0, as_text(record), error)
                return
            if record is None:
                return
        for refused in self._wide_enough(stream).add_one(record, version, time):
            if isinstance(refused.error, WideIntegerError):
                self._widen(stream, refused.error.name)
                yield from self._add_one(stream, None, record, version, time)
            else:
                yield refused

    def _widen(self, stream: Stream, name: str) -> None:
        self._wide[stream.name] = self._wide.get(stream.name, frozenset()) | {name}
        self.logger.info(
            "Stream '%s': property '%s' has an integer of more than 64 bits: its column takes 128",
            stream.name,
            name,
        )

    def _wide_enough(self, stream: Stream) -> Stream:
        """Return the stream, a new one where integers have needed 128 bits since."""
        if stream.wide == self._wide.get(stream.name, stream.wide):
            return stream
        return self._stream(stream.name, stream.schema, stream.keys)

    def _load_batch(self, message: Message) -> None:
        place, members = f"line {message.line}", message.members
        name, manifest = members.get("stream"), members.get("manifest")
        encoding = members.get("encoding")
        if (
            not isinstance(name, str)
            or not isinstance(manifest, list)
            or not all(isinstance(url, str) for url in manifest)
            or not isinstance(encoding, dict)
        ):
            msg = f"{place}: a BATCH message needs 'stream', 'encoding' and 'manifest'"
            raise MessageError(msg)
        if name not in self._routes:
            msg = f"stream {name!r}, {place}: its SCHEMA message has not come"
            raise NoSchemaError(msg)
        for url in manifest:
            time = members.get("time_extracted") or batch_files.written_at(url)
            quarantined = self.quarantine.rows
            before = 0
            for lines in self._batch_lines(url, encoding, place):
                for stream, stream_map in self._current_routes(name):
                    for refused in self._add(
                        stream, stream_map, lines, members.get("version"), time
                    ):
                        number = before + refused.index + 1
                        within = f"{place} ({batch_files.shown(url)}, line {number})"
                        self._refuse_record(stream, refused, within, message.line)
                before += lines.count(b"\n")
            is_transient = members.get("transient") is True
            # A file with a line that is no record may be no batch file at all: it stays.
            if is_transient or self.quarantine.rows == quarantined:
                self.checkpoint.batch_read(url, is_transient=is_transient)

    def _batch_lines(self, url: str, encoding: Mapping[str, Any], place: str) -> Iterator[bytes]:
        storage = (self.config.get("batch_config") or {}).get("storage")
        kind, compression = (
            name.lower() if isinstance(name, str) else name
            for name in (encoding.get("format"), encoding.get("compression"))
        )
        if kind == batch_files.JSON_LINES:
            return batch_files.read_lines(url, compression or None, storage)
        if kind == batch_files.PARQUET:
            connection = self.database.connection
            return batch_files.read_rows(url, connection, self.area.path, storage)
        msg = f"{place}: batch format {kind!r} is unknown; use jsonl or parquet"
        raise BatchError(msg)

    def _refuse_record(self, stream: Stream, refused: Refused, place: str, line: int) -> None:
        error = refused.error
        kind = MissingKeyError if isinstance(error, InvalidKeyError) else RecordError
        failure = kind(f"stream {stream.name!r}, {place}: {error} ({_REMEDY})")
        self._refuse(stream.name, refused.record, str(error), line, failure)

    def _refuse(
        self,
        stream: str | None,
        record: bytes | dict[str, Any],
        reason: str,
        line: int,
        error: TargetError,
    ) -> None:
        """Deal with something that cannot be loaded as the user wishes.

        Args:
            stream: Name of its stream, None where that cannot be told.
            record: The record, or the line.
            reason: What is wrong with it.
            line: The line it came on.
            error: What is raised where it is not to be quarantined.

        Raises:
            TargetError: The given error.
        """
        if self.config["on_invalid_record"] != QUARANTINE:
            raise error
        for other in self._all_streams:
            if stream is None or other.name == stream:
                other.has_refused = True
        text = as_text(record) if isinstance(record, dict) else record
        self.quarantine.add(stream, line, reason, text)

    # Versions and states

    def _activate_version(self, message: Message) -> None:
        name, version = message.members.get("stream"), message.members.get("version")
        if not isinstance(name, str) or not is_version(version):
            msg = (
                f"line {message.line}: an ACTIVATE_VERSION message needs 'stream' and 'version', "
                "which is an integer of 64 bits"
            )
            raise MessageError(msg)
        if name not in self._routes:
            if name not in self._without_schema:
                self._without_schema.add(name)
                self.logger.warning(
                    "Stream '%s', line %d: ACTIVATE_VERSION without a SCHEMA message is ignored",
                    name,
                    message.line,
                )
            return
        names = {stream.name for stream, _ in self._current_routes(name)}
        for stream in self._all_streams:
            if stream.name not in names:
                continue
            if self.config["process_activate_version_messages"] and not self._is_shared(stream):
                stream.activate_version(cast("int", version))
            else:
                stream.unactivated = None

    def _is_shared(self, stream: Stream) -> bool:
        """Return whether other streams of the tap go into a stream of the database, too; say so.

        The versions of one then say nothing of the rows of another, and no row says whose it is.
        """
        sources = {
            name
            for name, routes in self._routes.items()
            if any(other.name == stream.name for other, _ in routes)
        }
        # Of those that are still to come the settings may tell.
        for name, definition in (self.config.get("stream_maps") or {}).items():
            named = isinstance(definition, dict) and definition.get("__alias__") == stream.name
            if named and not _PATTERN.search(name):
                sources.add(definition.get("__source__", name))
        is_shared = len(sources) > 1
        if is_shared and stream.name not in self._shared:
            self._shared.add(stream.name)
            self.logger.warning(
                "Stream '%s' is made of several streams of the tap: which of its rows are gone no "
                "version tells, so none counts as deleted",
                stream.name,
            )
        return is_shared

    def _take_state(self, message: State) -> None:
        if not message.value:
            msg = f"line {message.line}: a STATE message needs 'value'"
            raise MessageError(msg)
        self.checkpoint.state = message.value
        if self.checkpoint.is_due(self._all_streams):
            self.flush()

    # Commits

    @property
    def _all_streams(self) -> list[Stream]:
        """All with anything to commit, those of earlier schemas first."""
        return [*self._replaced, *self._streams.values()]

    def flush(self) -> None:
        """Commit all that was read, then pass on the STATE that stands for it.

        Raises:
            TargetError: Something cannot be loaded; nothing of this flush is in the database.
        """
        self.checkpoint.flush(self._all_streams)
        for old in self._replaced:
            old.close()
        self._replaced = []

    def process_endofpipe(self) -> None:
        """Commit what is left and close."""
        for name in self.checkpoint.continued(self._all_streams) if self._streams else []:
            self.logger.warning(
                "Stream '%s' goes on from an earlier read, of which its table has no row. Unless "
                "that read found none, this is another file than was loaded then: run once with "
                "--full-refresh",
                name,
            )
        self.flush()
        for stream in self._streams.values():
            stream.close()
        if self._streams:
            self.database.maintain(
                snapshot_hours=self.config["snapshot_hours"],
                compact_files=self.config["compact_files"],
            )
        self.close()

    def close(self) -> None:
        """Close the working connection and remove private files; uncommitted rows are dropped."""
        if "area" in self.__dict__:
            self.area.close()

    def _handle_termination(self, signum: int, frame: FrameType | None) -> NoReturn:
        """End at once: what was committed is whole, and its STATE has been passed on.

        Nothing is raised, since the signal may come in the middle of a statement of DuckDB. To the
        database this is a crash, which it is made for.
        """
        del frame
        self.logger.warning("Ended by signal %d; rows not yet committed are dropped", signum)
        if "area" in self.__dict__:
            self.area.remove_files()
        logging.shutdown()
        os._exit(_SIGNALLED + signum)
