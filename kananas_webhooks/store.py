"""The store: an append-only queue in an SQLite file.

The table is a contract: `tap-kananas` and anybody else reads it (docs/webhooks.md). Whoever
extracts writes how far it has come into `extraction`; only events up to there are ever removed.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, fields
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from kananas_webhooks.events import Event, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: What `PRAGMA user_version` says of a file with these tables.
SCHEMA_VERSION = 1

DEFAULT_MAX_BYTES = 1_000_000_000
DEFAULT_KEEP_DAYS = 30
DEFAULT_BUSY_SECONDS = 2.0

_SCHEMA = """
begin immediate;
create table events (
  sequence integer primary key autoincrement,
  received_at text not null,
  content_type text,
  query text,
  headers text not null,
  body blob not null,
  body_sha256 text not null,
  payload text
);
create table extraction (
  id integer primary key check (id = 1),
  sequence integer not null
);
insert into extraction values (1, 0);
insert into sqlite_sequence values ('events', 0);
pragma user_version = 1;
commit;
"""

_COLUMNS = [field.name for field in fields(Event)]
_INSERT = (
    f"insert into events ({', '.join(_COLUMNS)}) "  # noqa: S608 - names of this module
    f"values ({', '.join('?' * len(_COLUMNS))})"
)

#: A removal is one transaction, which events wait for.
MOST_REMOVED = 100

# Extracted events go before their age from this share of the limit on.
_CROWDED = 0.75

# Later than any moment.
_LATEST = "9999"

# What tells a file from another that takes its place.
_File = tuple[int, int] | None
_Files = tuple[_File, ...]


class _Written(NamedTuple):
    """What tells whether somebody else has written: the store's size and time, its log's size."""

    store: tuple[int, int]
    log_size: int


_logger = logging.getLogger(__name__)


class StoreError(Exception):
    """Nothing was stored."""

    #: Seconds after which it is worth trying again.
    retry_after = 30


class StoreBusyError(StoreError):
    """Another process holds the file, or more comes than can be written."""

    retry_after = 5


class StoreFullError(StoreError):
    """The disk is full, or the store has reached its limit."""

    retry_after = 60


class Store:
    """The file, open in one thread.

    Attributes:
        events: How many events it holds.
        waiting: How many of them nobody has extracted.
        last_sequence: The number of the newest event.
        last_received_at: When that one came; None where the store holds none.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        keep_days: float = DEFAULT_KEEP_DAYS,
        busy_seconds: float = DEFAULT_BUSY_SECONDS,
    ) -> None:
        """Open the file, made where there is none, readable by its owner only.

        Args:
            path: The file. It must be on a local disk: SQLite's log needs shared memory.
            max_bytes: The size from which on events are refused.
            keep_days: How long events are kept after they came, if they have been extracted.
            busy_seconds: How long to wait for another process that writes.

        Raises:
            StoreError: It cannot be opened, or is not such a file.
        """
        self._path = path
        self._max_bytes = max_bytes
        self._keep = timedelta(days=keep_days)
        self._busy_seconds = busy_seconds
        self._extracted = -1
        self.events = self.waiting = self.last_sequence = 0
        self.last_received_at: str | None = None
        self._connection: sqlite3.Connection | None = None
        # The files that are open, the store first; None where that is not yet known.
        self._files: _Files | None = None
        self._files_before: _Files = (None, None, None)
        # What the file's numbers began with when it was opened.
        self._first_number = 0
        # The files as the last transaction left them.
        self._written: _Written | None = None
        with _translated(path):
            self._open()

    def _open(self) -> sqlite3.Connection:
        """Open the file, made where there is none; one that was not open before is learnt anew."""
        self._make()
        before, *logs_before = self._files_before
        if _file(self._path) != before:
            for path, log in zip(self._beside, logs_before, strict=True):
                # A log of the file before would be taken for one of this file.
                if log is not None and _file(path) == log:
                    path.unlink()
        self._connection = connection = self._connect()
        # A new file may have the number that the file system gave to the one before.
        if _file(self._path) != before or _last_number(connection) < self._first_number:
            self._number_from_now_on(connection)
            self._learn(connection)
            self._first_number = _last_number(connection)
            if before is not None:
                _logger.warning(
                    "%s was removed or replaced: events go to the file that stands there now",
                    self._path,
                )
        self._files = self._files_before = self._files_now()
        return connection

    def _make(self) -> None:
        """Make the file where there is none, readable by its owner only."""
        # Not opened here where it is there: to close it again would let go of SQLite's locks.
        if self._path.exists():
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in self._beside:
            file.unlink(missing_ok=True)
        # SQLite gives the files beside it the same permissions.
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @property
    def _beside(self) -> tuple[Path, ...]:
        """SQLite's log of the file, and the index of that log."""
        return tuple(self._path.with_name(self._path.name + end) for end in ("-wal", "-shm"))

    def _files_now(self) -> _Files:
        return tuple(_file(path) for path in (self._path, *self._beside))

    def is_in_place(self) -> bool:
        """Return whether the files that are open are those that stand in the folder."""
        return self._files is None or self._files == self._files_now()

    def is_untouched(self) -> bool:
        """Return whether nobody else has replaced the files that are open, or written to them.

        False where none is open: what stands in the folder is being looked at, or is no store.
        """
        return self._files is not None and self.is_in_place() and not self._is_overwritten()

    def _is_overwritten(self) -> bool:
        """Return whether somebody else has written to the store, or cut its log.

        Whoever extracts may put the log into the store, too: the content tells.
        """
        if self._written is None:
            return False
        now = self._written_now()
        return now.store != self._written.store or now.log_size < self._written.log_size

    def _written_now(self) -> _Written:
        log, _ = self._beside
        return _Written(_change(self._path), _change(log)[0])

    def _rescue(self) -> None:
        """Make sure that a store to which somebody else has written is still whole.

        Closing it would put its log into whatever stands there now, so that one that is not goes
        on as another file: what stands there, without the log, or a new one.

        Raises:
            StoreError: There is no room to do so.
        """
        if self._connection is not None and _is_whole(self._path, self._connection):
            return
        copy = self._path.with_name(self._path.name + ".copy")
        try:
            copy.touch(mode=0o600)
            shutil.copyfile(self._path, copy)
            if _is_whole(copy):
                copy.replace(self._path)
            else:
                aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
                self._path.rename(aside)
                _logger.error("%s was overwritten, and is damaged: it is %s", self._path, aside)
        finally:
            copy.unlink(missing_ok=True)
        self.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in (
                "journal_mode = wal",
                # A commit returns when the log is on the disk.
                "synchronous = full",
                "fullfsync = 1",
                # People's data is wiped where it is removed.
                "secure_delete = on",
            ):
                connection.execute(f"pragma {pragma}")
            (page_size,) = connection.execute("pragma page_size").fetchone()
            connection.execute(f"pragma max_page_count = {max(1, self._max_bytes // page_size)}")
            (version,) = connection.execute("pragma user_version").fetchone()
            if version == 0:
                connection.executescript(_SCHEMA)
            elif version != SCHEMA_VERSION:
                self._refuse(version)
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse(self, version: int) -> NoReturn:
        message = f"{self._path} has version {version}, not {SCHEMA_VERSION}"
        raise StoreError(message)

    def _number_from_now_on(self, connection: sqlite3.Connection) -> None:
        """Begin beyond every number ever given, also by a file that was lost or is a copy.

        Numbers rise with the milliseconds since 1970 at each start, so that whoever remembers
        a number of an earlier file misses nothing of this one.
        """
        connection.execute(
            "update sqlite_sequence set seq = max(seq, ?) where name = 'events'",
            (max(time.time_ns() // 1_000_000, self.last_sequence),),
        )

    def _learn(self, connection: sqlite3.Connection) -> None:
        """Count once; from then on, counts are kept."""
        self._extracted, self.last_received_at = -1, None
        (self.events,) = connection.execute("select count(*) from events").fetchone()
        row = connection.execute(
            "select sequence, received_at from events order by sequence desc limit 1"
        ).fetchone()
        if row is not None:
            self.last_sequence, self.last_received_at = row
        self._look_at_extraction(connection)

    def _look_at_extraction(self, connection: sqlite3.Connection) -> None:
        (extracted,) = connection.execute("select sequence from extraction").fetchone()
        if extracted != self._extracted:
            (self.waiting,) = connection.execute(
                "select count(*) from events where sequence > ?", (extracted,)
            ).fetchone()
            self._extracted = extracted

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._files = self._written = None

    def append(self, events: Sequence[Event]) -> None:
        """Store events, all or none; on return they outlast a crash and a loss of power.

        Raises:
            StoreError: None was stored.
        """
        with self._transaction() as connection:
            connection.executemany(_INSERT, map(astuple, events))
            (last,) = connection.execute("select max(sequence) from events").fetchone()
        if not self.is_in_place():
            self._let_go()
        self.events += len(events)
        self.waiting += len(events)
        self.last_sequence, self.last_received_at = last, events[-1].received_at

    def _let_go(self) -> None:
        """Close files that are no longer in the folder.

        Raises:
            StoreError: What was written last is lost with them.
        """
        connection, is_store_there = self._connection, _file(self._path) == self._files_before[0]
        is_safe = False
        if connection is not None and is_store_there:
            # Only the log is gone: what it holds is put into the file.
            with _translated(self._path):
                (is_busy, *_) = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
                is_safe = not is_busy
        self.close()
        if not is_safe:
            message = f"{self._path} was removed or replaced"
            raise StoreError(message)

    def trim(self) -> int:
        """Remove a few events that have been extracted and are too old, or in the way.

        Returns:
            How many were removed; MOST_REMOVED where there may be more.

        Raises:
            StoreError: Nothing was removed.
        """
        with self._transaction() as connection:
            self._look_at_extraction(connection)
            crowded = _size(connection) > self._max_bytes * _CROWDED
            oldest = datetime.now(timezone.utc) - self._keep
            removed = connection.execute(
                "delete from events where sequence in (select sequence from ("
                "select sequence, received_at from events where sequence <= ? "
                "order by sequence limit ?) where received_at < ?)",
                (self._extracted, MOST_REMOVED, _LATEST if crowded else moment(oldest)),
            ).rowcount
        self.events -= removed
        return removed

    def probe(self) -> None:
        """Write, to see whether it can be done.

        Raises:
            StoreError: It cannot.
        """
        with self._transaction() as connection:
            connection.execute("update extraction set sequence = sequence")

    def size(self) -> int:
        """Return the bytes that events take, without what removed ones left free.

        Raises:
            StoreError: The file cannot be read.
        """
        with self._transaction() as connection:
            return _size(connection)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all or nothing; after a failure the file is opened anew."""
        with _translated(self._path):
            try:
                if self._connection is not None and not self.is_in_place():
                    with suppress(StoreError):
                        self._let_go()
                elif self._is_overwritten():
                    self._rescue()
                connection = self._connection or self._open()
                connection.execute("begin immediate")
                yield connection
                connection.execute("commit")
                self._written = self._written_now()
            except BaseException:
                # Closing rolls back; what failed may have left the connection unusable.
                self.close()
                raise


def _change(path: Path) -> tuple[int, int]:
    """Return the size of a file and when it was changed; zeros for none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _is_whole(path: Path, reader: sqlite3.Connection | None = None) -> bool:
    """Return whether a file is a store that can be read.

    Args:
        path: The file.
        reader: Has it open, and must see what one sees who opens it now: where another store was
            copied into the file, it remembers pages of the one before.
    """
    summary = "select count(*), max(sequence) from events"
    try:
        with closing(sqlite3.connect(path)) as connection:
            (version,) = connection.execute("pragma user_version").fetchone()
            (found,) = connection.execute("pragma quick_check(1)").fetchone()
            is_whole = version == SCHEMA_VERSION and found == "ok"
            seen = connection.execute(summary).fetchone() if is_whole else None
        return is_whole and (reader is None or reader.execute(summary).fetchone() == seen)
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise
        return False


def _file(path: Path) -> _File:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _last_number(connection: sqlite3.Connection) -> int:
    """Return the highest number that was given."""
    (number,) = connection.execute("select coalesce(max(seq), 0) from sqlite_sequence").fetchone()
    return int(number)


def _size(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("pragma page_count").fetchone()
    (free,) = connection.execute("pragma freelist_count").fetchone()
    (page_size,) = connection.execute("pragma page_size").fetchone()
    return int((pages - free) * page_size)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Raise SQLite's failures as what they mean to a sender."""
    try:
        yield
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise StoreError(message) from error
    except sqlite3.Error as error:
        words = f"{path}: {error}"
        if "locked" in str(error):
            raise StoreBusyError(words) from error
        raise (StoreFullError if "full" in str(error) else StoreError)(words) from error
