"""The database file: opened for writing only while something is written.

A file that does not exist yet is written beside its place, in a private directory, and put there
by the first commit: what is staged is written but once, while the tap is still being read.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from target_duckdb.errors import DatabaseLockedError, TargetError
from target_duckdb.names import literal, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from logging import Logger

IN_MEMORY = ":memory:"
_MOTHERDUCK = "md:"
_RESERVED = {"memory", "system", "temp"}
_POLL_SECONDS = 0.1
_FRESH_FILE = "fresh.duckdb"
_SET_ASIDE = "target-duckdb staging"
_MEMORY_LIMIT = "256MB"
"""Enough for loads of any length; more is no faster."""

_LIMIT_NAMES = ("memory_limit", "max_memory")
_HOLDER = re.compile(r"Conflicting lock is held in (.+?)\s*\(PID (\d+)\)")


def is_file(path: str) -> bool:
    """Tell whether a `path` setting names a file on this machine."""
    return path != IN_MEMORY and not path.startswith(_MOTHERDUCK)


def one_line(error: Exception) -> str:
    """Return the first line of DuckDB's error, which says what; the others repeat the SQL."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def lock_holder(error: Exception) -> str | None:
    """Return who holds the file's lock where that is what DuckDB complains of, else None."""
    if "Could not set lock" not in str(error):
        return None
    found = _HOLDER.search(str(error))
    return f"process {found[2]} ({found[1]})" if found else "another process"


@dataclass
class StagingPlace:
    """Where staging tables are made.

    Attributes:
        database: Name of a database, `temp` for tables of the connection alone.
        schema: Name of a schema in it.
        is_target: Whether a staging table can become a table of the target just by a new name.
    """

    database: str = "temp"
    schema: str = "main"
    is_target: bool = False


class Database:
    """A working connection, to which the database is attached while it is written to.

    Staging tables live in the working connection, so that the lock on the file is held for the
    length of a commit and not for that of an extraction; or in a file that nobody else has.

    Attributes:
        name: Name of the database in SQL.
        connection: The working connection.
        staging: Where staging tables are made now.
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
            max_memory: Limit of DuckDB's memory, such as `1GB`; None for one that is raised to
                DuckDB's own where it does not suffice.
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
        config: dict[str, Any] = {"temp_directory": str(directory / "spill"), **options}
        own_limit = max_memory or next(filter(None, map(options.get, _LIMIT_NAMES)), None)
        config["memory_limit"] = own_limit or _MEMORY_LIMIT
        self._may_take_more = own_limit is None
        try:
            self.connection = duckdb.connect(IN_MEMORY, config=config)
            # Both are part of what the loader promises: naive times are UTC, the last record wins.
            self.connection.execute("SET TimeZone = 'UTC'")
            self.connection.execute("SET preserve_insertion_order = true")
        except duckdb.Error as error:
            msg = f"DuckDB refuses the settings 'settings' or 'max_memory': {one_line(error)}"
            raise TargetError(msg) from None
        self.staging = StagingPlace()
        self._fresh: Path | None = None
        if is_file(path) and not self._is_there():
            self._begin_fresh(directory / _FRESH_FILE, schema)

    def _is_there(self) -> bool:
        """Tell whether the file exists, or a link or log of its name."""
        return os.path.lexists(self._path) or os.path.lexists(f"{self._path}.wal")

    def _begin_fresh(self, file: Path, schema: str) -> None:
        try:
            self.connection.execute(f"ATTACH {literal(str(file))} AS {quote(self.name)}")
            where = f"{quote(self.name)}.{quote(schema)}"
            self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {where}")
        except duckdb.Error as error:
            msg = f"cannot make the database of setting 'path': {one_line(error)}"
            raise TargetError(msg) from None
        self._fresh = file
        self.staging = StagingPlace(self.name, schema, is_target=True)

    def _set_fresh_aside(self, file: Path) -> None:
        """Keep what was staged for a new file under another name: somebody has made the file."""
        self.connection.execute(f"DETACH {quote(self.name)}")
        self.connection.execute(f"ATTACH {literal(str(file))} AS {quote(_SET_ASIDE)}")
        self.staging.database = _SET_ASIDE
        self.staging.is_target = False
        self.staging = StagingPlace()
        self._fresh = None

    def _put_fresh_in_place(self, file: Path) -> None:
        self.connection.execute(f"DETACH {quote(self.name)}")
        try:
            # Unlike a new name, a link never takes the place of a file.
            os.link(file, self._path)
            file.unlink()
        except FileExistsError:
            msg = (
                f"{self._path}, the file of setting 'path', was made by another program while this "
                "one was about to; nothing was loaded, run it again"
            )
            raise TargetError(msg) from None
        except OSError:
            # Some file systems have no links.
            file.rename(self._path)
        self.staging = StagingPlace()
        self._fresh = None

    def with_memory(self, work: Callable[[], None]) -> None:
        """Do something; once more with DuckDB's own limit of memory where ours did not suffice.

        Args:
            work: Leaves no trace when it fails.
        """
        try:
            work()
        except duckdb.OutOfMemoryException:
            if not self._may_take_more:
                raise
            self._may_take_more = False
            # RESET alone changes what the setting says, and nothing else.
            self.connection.execute("RESET memory_limit")
            query = "SELECT current_setting('memory_limit')"
            (limit,) = self.connection.execute(query).fetchall()[0]
            self.connection.execute(f"SET memory_limit = {literal(limit)}")
            self._logger.info("DuckDB needs more than %s of memory and gets it", _MEMORY_LIMIT)
            work()

    def _default_name(self) -> str:
        if self._path.startswith(_MOTHERDUCK):
            return self._path[len(_MOTHERDUCK) :].split("?")[0]
        stem = "target" if self._path == IN_MEMORY else Path(self._path).stem
        return f"{stem}_db" if stem.lower() in _RESERVED else stem

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Attach the database and open a transaction; commit it, or roll it back on any error.

        Raises:
            DatabaseLockedError: Another process kept the file locked.
            TargetError: DuckDB cannot open the file.
        """
        with self._alone():
            if self._fresh is not None and self._is_there():
                self._set_fresh_aside(self._fresh)
            if self._fresh is None:
                self._attach()
            with self._transaction() as connection:
                yield connection
            if self._fresh is not None:
                self._put_fresh_in_place(self._fresh)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other loaders from putting a new file in its place meanwhile."""
        if self._fresh is None:
            yield
            return
        directory = os.open(Path(self._path).absolute().parent, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            os.close(directory)

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
            if self._fresh is None:
                self._detach()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection | None]:
        """Attach the database if that needs no waiting; None where it is missing or locked.

        Raises:
            TargetError: DuckDB cannot open the file.
        """
        is_missing = is_file(self._path) and not Path(self._path).exists()
        if is_missing or self._fresh is not None or self._try_attach() is not None:
            yield None
            return
        try:
            yield self.connection
        finally:
            self._detach()

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
        if self._path.startswith(_MOTHERDUCK):
            self.connection.execute(f"ATTACH IF NOT EXISTS {literal(self._path)}")
            return
        if is_file(self._path):
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        self.connection.execute(f"ATTACH {literal(self._path)} AS {quote(self.name)}")

    def _detach(self) -> None:
        if is_file(self._path):
            self.connection.execute(f"DETACH {quote(self.name)}")
            self._attached = False

    def close(self) -> None:
        """Close the working connection; whatever was staged in it is gone."""
        self.connection.close()
