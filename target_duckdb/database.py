"""The database file: opened for writing only while something is written."""

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

from target_duckdb.doublewrite import Doublewrite
from target_duckdb.errors import (
    CheckpointError,
    DatabaseLockedError,
    SettingError,
    TargetError,
    one_line,
)
from target_duckdb.extensions import is_lake
from target_duckdb.lake import DEFAULT_NAME, Lake
from target_duckdb.names import literal, quote
from target_duckdb.paths import IN_MEMORY, MOTHERDUCK, has_log, is_file
from target_duckdb.storage import FILE, LAKE, Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from logging import Logger

    from duckdb import DuckDBPyConnection

_RESERVED = {"main", "memory", "system", "temp"}
_RESERVED_SCHEMAS = {"information_schema", "pg_catalog"}
_POLL_SECONDS = 0.1
_NOTHING_FETCHED = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""A file of another kind, such as SQLite's, must not make DuckDB download what reads it."""

_LIMIT_NAMES = ("memory_limit", "max_memory")
_THREADS = 1
"""One works beside Python's, and faster; each further one would hold a row group of its own."""

_THREAD_NAMES = {"threads", "worker_threads"}
_HOLDER = re.compile(r"Conflicting lock is held in (.+?)\s*\(PID (\d+)\)")

STAGING = "128MB"
"""A row group of the usual record, not yet compressed, and what DuckDB reads it from."""

COMMIT = "160MB"
"""Here rows are read from a table as well; with less, DuckDB writes what it reads again at once."""

_MORE = ("256MB", "512MB", "1GB")
"""What work gets that cannot do with its share, before it gets all that DuckDB would take: tables
of hundreds of columns, single values of tens of megabytes."""

NEW_COLUMN = 512 << 10
"""Bytes that a commit holds for each column it adds to a table: two of DuckDB's blocks."""

_UNITS = {"MB": 10**6, "GB": 10**9}

_COMMITTED = "COMMIT succeeded"
"""In DuckDB's words where only what follows a commit has failed: its log is to be moved."""

_DETACHED = "Detached database"
"""The same where the database is detached, but its log is not moved."""

_SHORT = re.compile("failed to (pin|allocate|offload)|could not allocate", re.IGNORECASE)

_FILE = "fresh.duckdb"
_SET_ASIDE = "target-duckdb staging"


def reserved(name: str | None, schema: str) -> str | None:
    """Return what is wrong with names that DuckDB keeps for itself, None where nothing is.

    Args:
        name: The setting `database`.
        schema: The setting `default_target_schema`.
    """
    for setting, given, taken in (
        ("database", name, _RESERVED),
        ("default_target_schema", schema, _RESERVED_SCHEMAS),
    ):
        if given is not None and given.lower() in taken:
            return f"setting '{setting}': DuckDB keeps the name {given!r} for itself"
    return None


def lock_holder(error: Exception) -> str | None:
    """Return who holds the file's lock where that is what DuckDB complains of, else None."""
    if "Could not set lock" not in str(error):
        return None
    found = _HOLDER.search(str(error))
    return f"process {found[2]} ({found[1]})" if found else "another process"


def _is_out_of_memory(error: duckdb.Error) -> bool:
    """Return whether memory was short: where a commit needs it, only the words say so."""
    return isinstance(error, duckdb.OutOfMemoryException) or _SHORT.search(str(error)) is not None


def _bytes(limit: str) -> int:
    return int(limit[:-2]) * _UNITS[limit[-2:]]


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


class Memory:
    """The limit of DuckDB's buffers, set for each piece of work, unless the user has set it."""

    def __init__(self, connection: DuckDBPyConnection, *, is_given: bool, logger: Logger) -> None:
        """Find out what DuckDB would take by itself.

        Args:
            connection: Where the work is done.
            is_given: Whether the user has set the limit.
            logger: Told when work needs more memory than its share.
        """
        self._connection = connection
        self._is_given = is_given
        self._logger = logger
        query = "SELECT current_setting('memory_limit')"
        (whole,) = connection.execute(query).fetchall()[0]
        self._further = [] if is_given else [*_MORE, whole]
        #: The limit since a share did not suffice.
        self._more: str | None = None
        self._set_to: str | None = None
        self._limit(STAGING)

    def run(self, work: Callable[[], None], share: str) -> None:
        """Do something; again with more memory where its share does not suffice.

        Args:
            work: Leaves no trace when it fails.
            share: The limit, as DuckDB writes it.

        Raises:
            duckdb.Error: No memory suffices, the limit is the user's, or it is not for memory.
        """
        try:
            self._limit(share)
            work()
        except duckdb.Error as error:
            if not (_is_out_of_memory(error) and self._further):
                raise
            self._raise()
            self.run(work, share)

    def make_room(self, needed: int) -> None:
        """Raise the limit at once where work that has begun would fail for it at its end.

        Args:
            needed: Bytes that it takes at least.
        """
        while self._further and self._set_to is not None and _bytes(self._set_to) < needed:
            self._raise()
            self._limit(STAGING)

    def _raise(self) -> None:
        self._more = self._further.pop(0)
        self._logger.info("DuckDB needs more memory and gets up to %s", self._more)

    def _limit(self, share: str) -> None:
        limit = self._more or share
        if not self._is_given and limit != self._set_to:
            self._connection.execute(f"SET memory_limit = {literal(limit)}")
            self._set_to = limit


class NewFile:
    """The file while it is being written, attached to the working connection.

    Attributes:
        staging: Where staging tables are made in it; they become tables just by a new name.
    """

    def __init__(
        self, connection: DuckDBPyConnection, directory: Path, path: str, place: StagingPlace
    ) -> None:
        """Make the file.

        Args:
            connection: The working connection.
            directory: A private directory on the disk of the file.
            path: Where the file is to be put.
            place: Name of the database in SQL, and of the schema of all tables.

        Raises:
            TargetError: DuckDB cannot make it.
        """
        self._connection = connection
        self._file = directory / _FILE
        self._path = path
        self.staging = place
        try:
            connection.execute(f"ATTACH {literal(str(self._file))} AS {quote(place.database)}")
            schema = f"{quote(place.database)}.{quote(place.schema)}"
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        except duckdb.Error as error:
            msg = f"cannot make the database of setting 'path': {one_line(error)}"
            raise TargetError(msg) from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other loaders from putting a new file in its place meanwhile."""
        directory = os.open(Path(self._path).absolute().parent, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            os.close(directory)

    def set_aside(self) -> None:
        """Keep what was staged in it under another name: somebody has made the file."""
        name = self.staging.database
        self._connection.execute(f"DETACH {quote(name)}")
        self._connection.execute(f"ATTACH {literal(str(self._file))} AS {quote(_SET_ASIDE)}")
        self.staging.database = _SET_ASIDE
        self.staging.is_target = False

    def put_in_place(self) -> None:
        """Detach the file and put it where it belongs.

        Raises:
            TargetError: Another program has made the file, or it cannot be put there.
        """
        self._connection.execute(f"DETACH {quote(self.staging.database)}")
        try:
            # Unlike a new name, a link never takes the place of a file.
            os.link(self._file, self._path)
            self._file.unlink()
        except FileExistsError:
            msg = (
                f"{self._path}, the file of setting 'path', was made by another program while this "
                "one was about to; nothing was loaded, run it again"
            )
            raise TargetError(msg) from None
        except OSError:
            self._move()

    def _move(self) -> None:
        """Put the file in its place on a file system that has no links."""
        try:
            self._file.rename(self._path)
        except OSError as error:
            msg = f"cannot write {self._path}, the file of setting 'path': {error.strerror}"
            raise TargetError(msg) from None


def is_there(path: str) -> bool:
    """Return whether a database file exists, or a link or log of its name."""
    return os.path.lexists(path) or os.path.lexists(f"{path}.wal")


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
        data_path: str | None = None,
    ) -> None:
        """Open the working connection.

        Args:
            path: The `path` setting: a file, `:memory:`, `md:…` or `ducklake:…`.
            name: Name of the database in SQL; by default that of the file.
            schema: Name of the schema of all tables.
            options: DuckDB options by name.
            max_memory: Limit of DuckDB's memory, such as `1GB`; None for small ones that are
                raised where they do not suffice.
            directory: A private directory on the disk of the file. What exceeds the limit goes
                there, and a file that does not exist yet.
            lock_timeout: Seconds to wait for a file that another process holds.
            logger: Told when waiting begins.
            data_path: Where the files of a lake go.

        Raises:
            TargetError: DuckDB refuses one of the options, or a lake lacks what it needs.
        """
        self._path = str(Path(path).expanduser()) if is_file(path) else path
        self._lock_timeout = lock_timeout
        self._logger = logger
        self._attached = False
        #: Whether DuckDB refuses to work on the attached database, since it could not move its log.
        self._is_invalid = False
        self.name = name or self._default_name()
        limits = (max_memory, *map(options.get, _LIMIT_NAMES))
        own_limit = next(filter(None, limits), None)
        config: dict[str, Any] = {
            "temp_directory": str(directory / "spill"),
            # With one thread DuckDB gives memory that it has freed back in no other way.
            "allocator_background_threads": True,
            **({} if path.startswith(MOTHERDUCK) else _NOTHING_FETCHED),
            **options,
        }
        if own_limit is not None:
            config["memory_limit"] = own_limit
        if _THREAD_NAMES.isdisjoint(map(str.lower, options)):
            config["threads"] = _THREADS
        try:
            self.connection = duckdb.connect(IN_MEMORY, config=config)
            # The loader promises it: naive times are UTC, the last record wins, keys are exact.
            self.connection.execute("SET TimeZone = 'UTC'")
            self.connection.execute("SET preserve_insertion_order = true")
            self.connection.execute("SET default_collation = ''")
            self.memory = Memory(self.connection, is_given=own_limit is not None, logger=logger)
        except duckdb.Error as error:
            words = one_line(error)
            for value in options.values():
                if isinstance(value, str) and value:
                    words = words.replace(value, "…")  # it may give access
            msg = f"DuckDB refuses the settings 'settings' or 'max_memory': {words}"
            raise TargetError(msg) from None
        self._lake = Lake(path, data_path or "", self.name) if is_lake(path) else None
        if self._lake is not None:
            self._lake.prepare(self.connection, os.environ)
        self._doublewrite: Doublewrite | None = None
        if is_file(path):
            self._doublewrite = Doublewrite(self._path, self.name)
        elif self._lake is not None and self._lake.file is not None and self._lake.is_in_duckdb:
            self._doublewrite = Doublewrite(self._lake.file, self._lake.catalog_name)
        self._new_file: NewFile | None = None
        if is_file(path) and not is_there(self._path):
            place = StagingPlace(self.name, schema, is_target=True)
            self._new_file = NewFile(self.connection, directory, self._path, place)

    @property
    def staging(self) -> StagingPlace:
        """Where staging tables are made now."""
        return StagingPlace() if self._new_file is None else self._new_file.staging

    @property
    def storage(self) -> Storage:
        """How tables are kept."""
        return FILE if self._lake is None else LAKE

    @property
    def is_new(self) -> bool:
        """Whether the file did not exist, and is written beside its place."""
        return self._new_file is not None

    def _default_name(self) -> str:
        if is_lake(self._path):
            return DEFAULT_NAME
        if self._path.startswith(MOTHERDUCK):
            name = self._path[len(MOTHERDUCK) :].split("?")[0]
            if not name:
                msg = (
                    "setting 'path' names no database: write 'md:name', or give setting 'database'"
                )
                raise SettingError(msg)
            return name
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
        with self._alone():
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
    def _alone(self) -> Iterator[None]:
        """Keep other loaders from writing meanwhile, where DuckDB's lock on a file does not."""
        if self._new_file is not None:
            with self._new_file.alone():
                yield
        elif self._lake is not None:
            with self._lake_alone(self._lake):
                yield
        else:
            yield

    @contextmanager
    def _lake_alone(self, lake: Lake) -> Iterator[None]:
        try:
            try:
                self._wait(lambda: lake.lock.take(self.connection), "the lake")
            except (duckdb.Error, OSError) as error:
                msg = f"cannot open the lake of setting 'path': {one_line(error)}"
                raise TargetError(msg) from None
            yield
        finally:
            lake.lock.give_back(self.connection)

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        is_committed = False
        try:
            self.connection.execute("BEGIN")
            try:
                yield self.connection
                if self._lake is not None:
                    self._lake.lock.confirm()
                self._save_metadata()
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            try:
                self.connection.execute("COMMIT")
            except duckdb.Error as error:
                # What is committed to a file that is not in its place yet is lost with the file.
                if self._new_file is not None or _COMMITTED not in str(error):
                    raise
                self._is_invalid = True
            is_committed = True
        finally:
            if self._new_file is None:
                self._detach_after(is_committed=is_committed)

    def _detach_after(self, *, is_committed: bool) -> None:
        if not is_committed:
            self._detach()
            return
        try:
            self.memory.run(self._move_log, COMMIT)
        except duckdb.Error as error:
            msg = (
                "the rows are committed, but DuckDB cannot move them from its log into the file of "
                f"setting 'path': {one_line(error)}; it does so when the file is opened next with "
                "room on its disk: keep the file and its '.wal' together"
            )
            raise CheckpointError(msg) from error

    def _move_log(self) -> None:
        """Detach the database, by which DuckDB moves what is in its log into the file."""
        if self._is_invalid:
            # Whatever DuckDB could not move stays in the log until the file is opened again.
            self._is_invalid = False
            self._detach()
        if not self._attached:
            try:
                self._attach_once()
            except duckdb.Error as error:
                if lock_holder(error) is not None:
                    return  # another program has opened the file, and with it the log
                raise
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
        self._wait(self._try_attach, "the database file")

    def _wait(self, attempt: Callable[[], str | None], what: str) -> None:
        """Try again until nobody holds a lock.

        Args:
            attempt: Takes the lock, or returns who holds it.
            what: What is locked, for people.
        """
        deadline = time.monotonic() + self._lock_timeout
        holder = attempt()
        if holder is not None:
            self._logger.info("Waiting for %s, locked by %s", what, holder)
        while holder is not None:
            if time.monotonic() >= deadline:
                msg = (
                    f"{what} is locked by {holder}; waited {self._lock_timeout:g} s "
                    "(setting 'lock_timeout')"
                )
                raise DatabaseLockedError(msg)
            time.sleep(_POLL_SECONDS)
            holder = attempt()

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
        return None

    def _attach_once(self) -> None:
        saved = self._doublewrite
        if saved is None:
            self._attach_as_it_is()
            self._attached = True
            return
        saved.is_restored = False
        try:
            saved.attach(self._attach_as_it_is)
            self._attached = True
        finally:
            if not self._attached:
                saved.close()
        if saved.is_restored:
            self._logger.warning("Put back what a killed process had left half written")

    def _attach_as_it_is(self) -> None:
        if self._lake is not None:
            self._lake.attach(self.connection)
            return
        if self._path.startswith(MOTHERDUCK):
            self.connection.execute(f"ATTACH IF NOT EXISTS {literal(self._path)}")
            return
        if is_file(self._path):
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        # With a type DuckDB does not look for an extension that reads a file of another kind.
        kind = "(TYPE duckdb)" if is_file(self._path) else ""
        self.connection.execute(f"ATTACH {literal(self._path)} AS {quote(self.name)} {kind}")

    def _save_metadata(self) -> None:
        """Copy what the next checkpoint overwrites.

        Raises:
            TargetError: There is no room, or no right to.
        """
        if self._doublewrite is None or self._new_file is not None:
            return
        try:
            self._doublewrite.save(self.connection)
        except duckdb.IOException as error:
            raise TargetError(one_line(error)) from None

    def _detach(self) -> None:
        if self._lake is None and not is_file(self._path):
            return
        saved = self._doublewrite
        try:
            if saved is not None and has_log(saved.path):
                saved.save(self.connection)
        finally:
            try:
                self.connection.execute(f"DETACH {quote(self.name)}")
                self._attached = False
            except duckdb.Error as error:
                self._attached = _DETACHED not in str(error)
                raise
            finally:
                if saved is not None and not self._attached:
                    saved.close()

    def _detach_checked(self) -> None:
        try:
            self._detach()
        except duckdb.Error as error:
            msg = f"cannot write to the database of setting 'path': {one_line(error)}"
            raise TargetError(msg) from None

    def maintain(self, *, snapshot_hours: float, compact_files: int) -> None:
        """Keep a lake small; a file needs nothing.

        What fails here is done by a later run: all rows are committed.

        Args:
            snapshot_hours: How long snapshots stay, and files after them.
            compact_files: How many files a table may have before they are made one; 0 for any.
        """
        lake = self._lake
        if lake is None:
            return
        try:
            with self._lake_alone(lake):
                self._attach()
                try:
                    self._save_metadata()
                    self.memory.run(
                        lambda: lake.maintain(
                            self.connection,
                            snapshot_hours=snapshot_hours,
                            compact_files=compact_files,
                        ),
                        COMMIT,
                    )
                finally:
                    self._detach()
        except (duckdb.Error, TargetError) as error:
            self._logger.warning(
                "The rows are committed, but small files and old snapshots of the lake stay until "
                "a later run: %s",
                one_line(error),
            )

    def close(self) -> None:
        """Close the working connection; whatever was staged in it is gone."""
        self.connection.close()
