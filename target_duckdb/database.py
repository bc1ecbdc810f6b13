"""The database file: opened for writing only while something is written."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from target_duckdb.errors import DatabaseLockedError, TargetError, one_line
from target_duckdb.memory import Memory
from target_duckdb.names import literal, quote
from target_duckdb.new_file import NewFile, is_there
from target_duckdb.paths import IN_MEMORY, MOTHERDUCK, is_file
from target_duckdb.staging import StagingPlace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from logging import Logger

_RESERVED = {"main", "memory", "system", "temp"}
_POLL_SECONDS = 0.1
_LIMIT_NAMES = ("memory_limit", "max_memory")
_THREADS = 1
"""One works beside Python's, and faster; each further one would hold a row group of its own."""

_THREAD_NAMES = {"threads", "worker_threads"}
_HOLDER = re.compile(r"Conflicting lock is held in (.+?)\s*\(PID (\d+)\)")


def lock_holder(error: Exception) -> str | None:
    """Return who holds the file's lock where that is what DuckDB complains of, else None."""
    if "Could not set lock" not in str(error):
        return None
    found = _HOLDER.search(str(error))
    return f"process {found[2]} ({found[1]})" if found else "another process"


class Database:
    """A working connection, to which the database is attached while it is written to.

    Staging tables live in the working connection, so that the lock on the file is held for the
    length of a commit and not for that of an extraction; or in a file that nobody else has.

    Attributes:
        name: Name of the database in SQL.
        connection: The working connection.
        memory: Its limit of memory.
    """

    def __init__(  # noqa: PLR0913
        self,
        path: str,
        *,
        name: str | None,
        schema: str,
        options: Mapping[str, Any],
        max_memory: str | None,
        directory: Path,
        lock_timeout: float,
        logger: Logger,
    ) -> None:
        """Open the working connection.

        Args:
            path: The `path` setting: a file, `:memory:` or `md:…`.
            name: Name of the database in SQL; by default that of the file.
            schema: Name of the schema of all tables.
            options: DuckDB options by name.
            max_memory: Limit of DuckDB's memory, such as `1GB`; None for small ones that are
                raised where they do not suffice.
            directory: A private directory on the disk of the file. What exceeds the limit goes
                there, and a file that does not exist yet.
            lock_timeout: Seconds to wait for a file that another process holds.
            logger: Told when waiting begins.

        Raises:
            TargetError: DuckDB refuses one of the options.
        """
        self._path = str(Path(path).expanduser()) if is_file(path) else path
        self._lock_timeout = lock_timeout
        self._logger = logger
        self._attached = False
        self.name = name or self._default_name()
        limits = (max_memory, *map(options.get, _LIMIT_NAMES))
        own_limit = next(filter(None, limits), None)
        config: dict[str, Any] = {
            "temp_directory": str(directory / "spill"),
            # With one thread DuckDB gives memory that it has freed back in no other way.
            "allocator_background_threads": True,
            **options,
        }
        if own_limit is not None:
            config["memory_limit"] = own_limit
        if _THREAD_NAMES.isdisjoint(map(str.lower, options)):
            config["threads"] = _THREADS
        try:
            self.connection = duckdb.connect(IN_MEMORY, config=config)
            # Both are part of what the loader promises: naive times are UTC, the last record wins.
            self.connection.execute("SET TimeZone = 'UTC'")
            self.connection.execute("SET preserve_insertion_order = true")
        except duckdb.Error as error:
            msg = f"DuckDB refuses the settings 'settings' or 'max_memory': {one_line(error)}"
            raise TargetError(msg) from None
        self.memory = Memory(self.connection, is_given=own_limit is not None, logger=logger)
        self._new_file: NewFile | None = None
        if is_file(path) and not is_there(self._path):
            place = StagingPlace(self.name, schema, is_target=True)
            self._new_file = NewFile(self.connection, directory, self._path, place)

    @property
    def staging(self) -> StagingPlace:
        """Where staging tables are made now."""
        return StagingPlace() if self._new_file is None else self._new_file.staging

    def _default_name(self) -> str:
        if self._path.startswith(MOTHERDUCK):
            return self._path[len(MOTHERDUCK) :].split("?")[0]
        stem = "target" if self._path == IN_MEMORY else Path(self._path).stem
        return f"{stem}_db" if stem.lower() in _RESERVED else stem

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Attach the database and open a transaction; commit it, or roll it back on any error.

        Raises:
            DatabaseLockedError: Another process kept the file locked.
            TargetError: DuckDB cannot open the file.
        """
        new_file = self._new_file
        with new_file.alone() if new_file is not None else nullcontext():
            if new_file is not None and is_there(self._path):
                new_file.set_aside()
                new_file = self._new_file = None
            if new_file is None:
                self._attach()
            with self._transaction() as connection:
                yield connection
            if new_file is not None:
                new_file.put_in_place()
                self._new_file = None

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            self.connection.execute("BEGIN")
            try:
                yield self.connection
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")
        finally:
            if self._new_file is None:
                self._detach()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection | None]:
        """Attach the database if that needs no waiting; None where it is missing or locked.

        Raises:
            TargetError: DuckDB cannot open the file, or not write the log of a killed writer to it.
        """
        is_missing = is_file(self._path) and not Path(self._path).exists()
        if is_missing or self._new_file is not None or self._try_attach() is not None:
            yield None
            return
        try:
            yield self.connection
        finally:
            self._detach_checked()

    def check(self) -> None:
        """Open the database once, so that a wrong path fails before anything is extracted.

        Raises:
            TargetError: DuckDB cannot open the file. A lock is no error yet, nor is a missing file.
        """
        with self.reading():
            pass

    def _attach(self) -> None:
        deadline = time.monotonic() + self._lock_timeout
        holder = self._try_attach()
        if holder is not None:
            self._logger.info("Waiting for the database file, locked by %s", holder)
        while holder is not None:
            if time.monotonic() >= deadline:
                msg = (
                    f"the database file is locked by {holder}; waited {self._lock_timeout:g} s "
                    "(setting 'lock_timeout')"
                )
                raise DatabaseLockedError(msg)
            time.sleep(_POLL_SECONDS)
            holder = self._try_attach()

    def _try_attach(self) -> str | None:
        """Attach the database; return who holds its lock where that is why it cannot be."""
        if self._attached:
            return None
        try:
            self._attach_once()
        except (duckdb.Error, OSError) as error:
            holder = lock_holder(error)
            if holder is not None:
                return holder
            msg = f"cannot open the database of setting 'path': {one_line(error)}"
            raise TargetError(msg) from None
        self._attached = True
        return None

    def _attach_once(self) -> None:
        if self._path.startswith(MOTHERDUCK):
            self.connection.execute(f"ATTACH IF NOT EXISTS {literal(self._path)}")
            return
        if is_file(self._path):
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        self.connection.execute(f"ATTACH {literal(self._path)} AS {quote(self.name)}")

    def _detach(self) -> None:
        if is_file(self._path):
            self.connection.execute(f"DETACH {quote(self.name)}")
            self._attached = False

    def _detach_checked(self) -> None:
        try:
            self._detach()
        except duckdb.Error as error:
            msg = f"cannot write to the database of setting 'path': {one_line(error)}"
            raise TargetError(msg) from None

    def close(self) -> None:
        """Close the working connection; whatever was staged in it is gone."""
        self.connection.close()
