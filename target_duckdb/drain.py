"""When what was staged is committed, and what follows a commit: the STATE goes out, files go."""

from __future__ import annotations

import datetime as dt
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb

from target_duckdb import batch_files
from target_duckdb.commit import Committer
from target_duckdb.errors import TargetError, one_line
from target_duckdb.memory import COMMIT
from target_duckdb.settings import OVERWRITE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_duckdb.resources import Resources
    from target_duckdb.sink import DuckDBSink

_LONGEST_WAIT = dt.timedelta(minutes=5)
"""A STATE message that comes later after the last commit makes the target commit."""


class Drain:
    """Commits what sinks have staged.

    Attributes:
        state: The STATE that stands for all that was read, as its bytes; None where none waits.
        started_at: When the last commit was, or the run began.
    """

    def __init__(self, config: Mapping[str, Any], resources: Resources) -> None:
        """Take the settings and what the run works with."""
        self._config = config
        self._resources = resources
        #: The newest version in the table of each stream, as asked for since the last commit;
        #: None where its records come after all rows.
        self._versions: dict[str, int | None] = {}
        self.state: bytes | None = None
        self._batch_files: list[str] = []
        self.started_at = dt.datetime.now(tz=dt.timezone.utc)

    @cached_property
    def _committer(self) -> Committer:
        return Committer(
            database=self._resources.database.name,
            memory=self._resources.database.memory,
            schema=self._config["default_target_schema"],
            load_method=self._config["load_method"],
            hard_delete=self._config["hard_delete"],
        )

    # When

    def is_due(self, sinks: Sequence[DuckDBSink]) -> bool:
        """Tell whether a STATE that has just come is to be committed and passed on."""
        now = dt.datetime.now(tz=dt.timezone.utc)
        is_due = (
            sum(sink.pending_rows for sink in sinks) >= self._config["batch_size_rows"]
            or sum(sink.pending_bytes for sink in sinks) >= self._config["batch_size_bytes"]
            or now - self.started_at >= _LONGEST_WAIT
        )
        # What replaces a whole table is committed when it is whole, and the STATE waits for it.
        return is_due and self._config["load_method"] != OVERWRITE and not self._is_half_read(sinks)

    def _is_half_read(self, sinks: Sequence[DuckDBSink]) -> bool:
        """Tell whether a commit now would show a part of a table that is read as a whole."""
        unknown = [
            sink
            for sink in sinks
            if sink.unactivated is not None and sink.stream_name not in self._versions
        ]
        if unknown:
            self._resources.await_background()
            with self._resources.database.reading() as connection:
                if connection is not None:
                    self._versions.update(self._committer.versions(connection, unknown))
        return any(sink.is_half_read(self._versions.get(sink.stream_name)) for sink in sinks)

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

    def flush(self, sinks: Sequence[DuckDBSink]) -> None:
        """Commit all that was read, then pass on the STATE that stands for it.

        Args:
            sinks: All with anything to commit, those of earlier schemas first.

        Raises:
            TargetError: Something cannot be loaded; nothing of this flush is in the database.
        """
        quarantine = self._resources.quarantine
        try:
            if sinks or quarantine.rows:
                connection = self._resources.database.connection
                for sink in sinks:
                    sink.stage()
                self._resources.await_background()
                quarantine.stage(connection)
                self._resources.database.memory.run(lambda: self._write(sinks), COMMIT)
                self._committer.committed()
                for sink in sinks:
                    sink.committed()
                self._versions.clear()
                quarantine.clear(connection)
        except duckdb.Error as error:
            msg = f"DuckDB cannot load this: {one_line(error)}"
            raise TargetError(msg) from error
        self._write_state()
        for url in self._batch_files:
            batch_files.remove(url)
        self._batch_files.clear()
        self.started_at = dt.datetime.now(tz=dt.timezone.utc)

    def _write(self, sinks: Sequence[DuckDBSink]) -> None:
        """Write all that is staged, in one transaction."""
        database = self._resources.database
        with database.writing() as connection:
            self._committer.write(connection, sinks)
            self._resources.quarantine.write(
                connection, database.name, self._config["default_target_schema"]
            )

    def _write_state(self) -> None:
        if self.state is not None:
            # Past the encoding of the stream, which need not be UTF-8.
            if hasattr(sys.stdout, "buffer"):
                sys.stdout.buffer.write(self.state + b"\n")
            else:
                sys.stdout.write(self.state.decode() + "\n")
            sys.stdout.flush()
            self.state = None
