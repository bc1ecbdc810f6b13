"""When what was staged is committed, and what follows a commit: the STATE goes out, files go."""

from __future__ import annotations

import datetime as dt
import enum
import os
import re
import sys
from typing import TYPE_CHECKING, Any, cast

import duckdb
from singer_sdk import metrics

from target_duckdb import batch_files
from target_duckdb.database import COMMIT
from target_duckdb.errors import CheckpointError, TargetError, one_line
from target_duckdb.merge import Merge
from target_duckdb.settings import OVERWRITE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_duckdb.quarantine import Quarantine
    from target_duckdb.staging import StagingArea, Stream

_LONGEST_WAIT = dt.timedelta(minutes=5)
"""A STATE message that comes later after the last commit makes the target commit."""

_A_RUN = dt.timedelta(hours=1)
"""A version that is older was not given in this run, however long the tap took to begin."""

_FIRST_VERSION = 10**12
"""Versions below, of the year 2001 at most, are numbers of another kind."""

_NOT_NULL = "NOT NULL"
_RESTRICTED = re.compile("constraint|duplicate key|depend on|index", re.IGNORECASE)
"""DuckDB's words where an index or a constraint of a table is in the way."""


class RowMetric(str, enum.Enum):
    """What a commit has done to the rows of a stream's table, beside the metrics of the SDK."""

    INSERTED = "rows_inserted"
    UPDATED = "rows_updated"
    DELETED = "rows_deleted"


class Checkpoint:
    """Commits what streams have staged.

    Attributes:
        state: The STATE that stands for all that was read, as its bytes; None where none waits.
    """

    def __init__(
        self, config: Mapping[str, Any], area: StagingArea, quarantine: Quarantine
    ) -> None:
        """Take the settings, where streams are staged, and the records that cannot be loaded."""
        self._config = config
        self._area = area
        self._quarantine = quarantine
        self._merge = Merge(
            database=area.database.name,
            memory=area.database.memory,
            storage=area.database.storage,
            schema=config["default_target_schema"],
            load_method=config["load_method"],
            hard_delete=config["hard_delete"],
        )
        #: The newest version in the table of each stream, as asked for since the last commit;
        #: None where its records come after all rows.
        self._versions: dict[str, int | None] = {}
        self.state: bytes | None = None
        self._batch_files: list[str] = []

    # When

    def is_due(self, streams: Sequence[Stream]) -> bool:
        """Return whether a STATE that has just come is to be committed and passed on."""
        now = dt.datetime.now(tz=dt.timezone.utc)
        is_due = (
            sum(stream.pending_rows for stream in streams) >= self._config["batch_size_rows"]
            or sum(stream.pending_bytes for stream in streams) >= self._config["batch_size_bytes"]
            or now - self._area.batch_started_at >= _LONGEST_WAIT
        )
        # What replaces a whole table is committed when it is whole, and the STATE waits for it.
        return (
            is_due and self._config["load_method"] != OVERWRITE and not self._is_half_read(streams)
        )

    def _is_half_read(self, streams: Sequence[Stream]) -> bool:
        """Return whether a commit now would show a part of a table that is read as a whole."""
        unknown = [
            stream
            for stream in streams
            if stream.unactivated is not None and stream.name not in self._versions
        ]
        if unknown:
            self._area.await_background()
            with self._area.database.reading() as connection:
                if connection is not None:
                    self._versions.update(self._merge.versions(connection, unknown))
        return any(stream.is_half_read(self._versions.get(stream.name)) for stream in streams)

    def continued(self, streams: Sequence[Stream]) -> list[str]:
        """Return the streams that go on from a whole read of which the file has no row.

        Their tap goes on from the state of another file, or of one that was there before: only what
        has changed since has come. A version is the time of the whole read, in milliseconds.
        """
        before = round((dt.datetime.now(tz=dt.timezone.utc) - _A_RUN).timestamp() * 1000)
        older = [
            stream
            for stream in streams
            if stream.unactivated is not None and _FIRST_VERSION < stream.unactivated < before
        ]
        if not older:
            return []
        self._area.await_background()
        database = self._area.database
        with database.reading() as connection:
            if connection is not None:
                versions = self._merge.versions(connection, older)
                return [stream.name for stream in older if versions[stream.name] is None]
        # One that is locked does not tell.
        return [stream.name for stream in older] if database.is_new else []

    # What

    def batch_read(self, url: str, *, is_transient: bool) -> None:
        """Remove a batch file whose records have all been staged, when its time comes.

        Args:
            url: Its address.
            is_transient: Whether the tap can make its content again, and has no other use for it:
                it goes at once. Any other file goes once its records are committed.
        """
        if self._config["keep_batch_files"]:
            return
        if is_transient:
            batch_files.remove(url)
        else:
            self._batch_files.append(url)

    def flush(self, streams: Sequence[Stream]) -> None:
        """Commit all that was read, then pass on the STATE that stands for it.

        Args:
            streams: All with anything to commit, those of earlier schemas first.

        Raises:
            CheckpointError: All of this flush is committed, but in DuckDB's log alone.
            TargetError: Something cannot be loaded; nothing of this flush is in the database.
        """
        failed_after = None
        if streams or self._quarantine.rows:
            try:
                self._commit(streams)
            except CheckpointError as error:
                failed_after = error
            except duckdb.Error as error:
                raise TargetError(self._in_words(error)) from error
            self._merge.committed()
            self._tell_changes()
            connection = self._area.database.connection
            for stream in streams:
                stream.committed(connection)
            self._versions.clear()
            self._quarantine.clear(connection)
        self._write_state()
        for url in self._batch_files:
            batch_files.remove(url)
        self._batch_files.clear()
        self._area.batch_started_at = dt.datetime.now(tz=dt.timezone.utc)
        if failed_after is not None:
            raise failed_after

    def _commit(self, streams: Sequence[Stream]) -> None:
        for stream in streams:
            stream.stage()
        self._area.await_background()
        self._quarantine.stage(self._area.database.connection)
        self._area.database.memory.run(lambda: self._write(streams), COMMIT)

    def _write(self, streams: Sequence[Stream]) -> None:
        """Write all that is staged, in one transaction."""
        database = self._area.database
        with database.writing() as connection:
            self._merge.write(connection, streams)
            self._quarantine.write(connection, database.name, self._config["default_target_schema"])

    def _tell_changes(self) -> None:
        """Say what the commit has changed, as metrics of each stream."""
        logger = metrics.get_metrics_logger()
        for stream, changes in self._merge.changes.items():
            tags: dict[str, Any] = {metrics.Tag.STREAM: stream, metrics.Tag.PID: os.getpid()}
            for metric, rows in (
                (RowMetric.INSERTED, changes.inserted),
                (RowMetric.UPDATED, changes.updated),
                (RowMetric.DELETED, changes.deleted),
            ):
                if rows:
                    point = metrics.Point("counter", cast("metrics.Metric", metric), rows, tags)
                    metrics.log(logger, point)

    def _in_words(self, error: duckdb.Error) -> str:
        words = f"DuckDB cannot load this: {one_line(error)}"
        # Where a column must not be null, that alone is in the way, and else never.
        restrictions = [
            each
            for each in self._merge.restrictions
            if each.startswith(_NOT_NULL) == (_NOT_NULL in str(error))
        ]
        if restrictions and _RESTRICTED.search(str(error)):
            words += (
                f"; drop what somebody has put on the table ({', '.join(restrictions)})"
                ": the loader alters tables and replaces rows, for which DuckDB wants none"
            )
        return words

    def _write_state(self) -> None:
        if self.state is None:
            return
        try:
            # Past the encoding of the stream, which need not be UTF-8.
            if hasattr(sys.stdout, "buffer"):
                sys.stdout.buffer.write(self.state + b"\n")
            else:
                sys.stdout.write(self.state.decode() + "\n")
            sys.stdout.flush()
        except OSError as error:
            # Or Python would write it once more when it ends, and fail again.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
            msg = f"the rows are committed, but their STATE cannot be passed on: {error.strerror}"
            raise TargetError(msg) from None
        self.state = None
