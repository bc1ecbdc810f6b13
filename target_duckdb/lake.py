"""A DuckLake: tables as Parquet files of a folder or bucket, with a catalog that many may share.

All that differs from a DuckDB file is here and in `storage`: which extensions are needed, how the
lake is attached, who writes to it alone, and what keeps it small.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from target_duckdb import extensions
from target_duckdb.errors import TargetError
from target_duckdb.extensions import POSTGRES, PREFIX, S3, SQLITE, catalog_file
from target_duckdb.names import literal, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection

DEFAULT_NAME = "lake"

_LOCK = "target-duckdb lock"
_LOCK_NUMBER = 0x6B616E616E617A
"""Of the advisory lock in PostgreSQL: any number that no other program takes."""

_A_DAY = 24 * 60 * 60
_ORPHANED_AFTER = _A_DAY
"""Seconds after which a file that the lake does not know is one that a killed program has left.

Files of a transaction that goes on are not known either: none may take so long."""

_OF_A_LAKE = re.compile(r"[^/]+/[^/]+/ducklake-[0-9a-f-]+\.parquet")
"""Schema, table, and the name that DuckLake gives to files."""

_MISSING = "does not exist - and creating a new DuckLake is explicitly disabled"


class _CatalogLock:
    """Keeps other loaders from writing to a lake meanwhile.

    DuckLake lets transactions go on side by side, and two that add rows of the same key both
    succeed. It ends with the process in whatever way this ends.
    """

    def __init__(self, catalog: str) -> None:
        self._catalog = catalog
        self._file: int | None = None
        self._session: DuckDBPyConnection | None = None

    def take(self, connection: DuckDBPyConnection) -> str | None:
        """Take the lock; return who has it where it cannot be taken."""
        if self._catalog.startswith(POSTGRES):
            return self._take_session(connection)
        if self._catalog.startswith(SQLITE):
            return self._take_file()
        return None  # DuckDB itself locks its file

    def _take_file(self) -> str | None:
        # SQLite's own locks are of another kind. They would go as well when this file is closed:
        # the catalog is attached after the lock is taken, and detached before it is given back.
        file = os.open(self._catalog[len(SQLITE) :], os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return "another loader"
        self._file = file
        return None

    def _take_session(self, connection: DuckDBPyConnection) -> str | None:
        address = self._catalog[len(POSTGRES) :]
        connection.execute(
            f"ATTACH IF NOT EXISTS {literal(address)} AS {quote(_LOCK)} (TYPE postgres, READ_ONLY)"
        )
        session = connection.cursor()
        session.execute("BEGIN")
        (taken,) = self._asked(session, f"SELECT pg_try_advisory_xact_lock({_LOCK_NUMBER})")
        if taken:
            self._session = session
            return None
        holder = self._asked(
            session,
            "SELECT coalesce(max(application_name), 'another loader') FROM pg_stat_activity "  # noqa: S608 (a number)
            "WHERE pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted "
            f"AND (classid::bigint << 32 | objid::bigint) = {_LOCK_NUMBER})",
        )
        session.execute("ROLLBACK")
        session.close()
        return str(holder[0])

    @staticmethod
    def _asked(session: DuckDBPyConnection, query: str) -> tuple[object, ...]:
        (row,) = session.execute(
            f"FROM postgres_query({literal(_LOCK)}, {literal(query)})"
        ).fetchall()
        return tuple(row)

    def confirm(self) -> None:
        """Make sure that the lock is still there.

        Raises:
            duckdb.Error: The server has ended its session.
        """
        if self._session is not None:
            self._asked(self._session, "SELECT 1")

    def give_back(self, connection: DuckDBPyConnection) -> None:
        """Let others write."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._session is not None:
            # A session that the server has ended has no lock; closed as it is, it ends DuckDB.
            with suppress(duckdb.Error):
                self._session.execute("ROLLBACK")
            self._session.close()
            self._session = None
        if self._catalog.startswith(POSTGRES):
            connection.execute(f"DETACH DATABASE IF EXISTS {quote(_LOCK)}")


class Lake:
    """The lake of settings `path` and `data_path`.

    Attributes:
        file: The file of its catalog; None where that is in PostgreSQL.
        lock: What a writer holds.
    """

    def __init__(self, path: str, data_path: str, name: str) -> None:
        """Take the settings, which have no `problem`.

        Args:
            path: The `path` setting.
            data_path: The `data_path` setting.
            name: Name of the lake in SQL.
        """
        catalog = path[len(PREFIX) :]
        self.file = catalog_file(path)
        if self.file is not None:
            catalog = f"{SQLITE if catalog.startswith(SQLITE) else ''}{self.file}"
        self._catalog = catalog
        if not data_path.startswith(S3):
            data_path = str(Path(data_path).expanduser().absolute())
        self._data_path = data_path
        self._name = name
        #: The catalog's database in SQL.
        self.catalog_name = f"__ducklake_metadata_{name}"
        self.lock = _CatalogLock(catalog)

    @property
    def is_in_duckdb(self) -> bool:
        """Whether the catalog is a DuckDB file."""
        return self.file is not None and not self._catalog.startswith(SQLITE)

    def prepare(self, connection: DuckDBPyConnection, environment: Mapping[str, str]) -> None:
        """Load the extensions that the lake needs, from the files of their packages.

        Args:
            connection: The working connection.
            environment: Variables, some of which say how to reach the bucket.

        Raises:
            TargetError: One is not installed or made for another DuckDB, or a key is missing.
        """
        try:
            extensions.load(connection, PREFIX + self._catalog, self._data_path, environment)
        except extensions.MissingError as error:
            raise TargetError(str(error)) from None
        # DuckLake cannot look up a text with a NUL, and pushed down are those of staged keys.
        connection.execute("SET disabled_optimizers = 'join_filter_pushdown'")
        # PostgreSQL shows by it who writes.
        os.environ.setdefault("PGAPPNAME", f"target-duckdb {socket.gethostname()} {os.getpid()}")

    def attach(self, connection: DuckDBPyConnection, *, is_read: bool = False) -> None:
        """Attach the lake, made where it does not exist.

        Args:
            connection: The working connection.
            is_read: Whether it is only read, and has to exist.

        Raises:
            duckdb.Error: It cannot be attached.
        """
        if is_read:
            connection.execute(self._attachment(is_made=False, is_read=True))
            return
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection.execute(self._attachment(is_made=False))
        except duckdb.InvalidInputException as error:
            if _MISSING not in str(error):
                raise
            self._refuse_files_of_others(connection)
            connection.execute(self._attachment(is_made=True))

    def _refuse_files_of_others(self, connection: DuckDBPyConnection) -> None:
        """Make sure that a new lake begins with no files: those that it does not know it removes.

        Raises:
            TargetError: There are some.
        """
        pattern = literal(f"{self._data_path.rstrip('/')}/**/*.parquet")
        found = connection.execute(f"SELECT file FROM glob({pattern}) LIMIT 1").fetchall()  # noqa: S608
        for (file,) in found:
            msg = (
                f"setting 'data_path' holds files of another lake, such as {file}, and setting "
                "'path' names a catalog that is new: name an empty place, or the catalog of these"
            )
            raise TargetError(msg)

    def _attachment(self, *, is_made: bool, is_read: bool = False) -> str:
        options = {
            "CREATE_IF_NOT_EXISTS": "true" if is_made else "false",
            # Small changes are files like others: in a catalog they would take other types.
            "DATA_INLINING_ROW_LIMIT": "0",
            "DATA_PATH": literal(self._data_path),
        }
        if is_read:
            options["READ_ONLY"] = "true"
        elif self._catalog.startswith(SQLITE):
            # Readers do not wait for a writer so, nor does it for them.
            options["META_JOURNAL_MODE"] = "'WAL'"
        given = ", ".join(f"{name} {value}" for name, value in options.items())
        return f"ATTACH {literal(PREFIX + self._catalog)} AS {quote(self._name)} ({given})"

    def maintain(
        self, connection: DuckDBPyConnection, *, snapshot_hours: float, compact_files: int
    ) -> None:
        """Make large files of small ones, and remove what no snapshot needs that is kept.

        Args:
            connection: With the lake attached, in no transaction.
            snapshot_hours: How long snapshots stay, and files after them.
            compact_files: How many files a table may have before they are made one; 0 for any.

        Raises:
            duckdb.Error: It cannot be done now; all rows are as they were.
            TargetError: There are files where the lake's are, and none of it.
        """
        lake = literal(self._name)
        counts = connection.execute(
            f"SELECT file_count + delete_file_count FROM ducklake_table_info({lake})"  # noqa: S608
        ).fetchall()
        if 0 < compact_files < max((count for (count,) in counts), default=0):
            # Files with deleted rows are not merged: they are written anew first.
            connection.execute(f"CALL ducklake_rewrite_data_files({lake}, delete_threshold => 0)")
            connection.execute(f"CALL ducklake_merge_adjacent_files({lake})")
        seconds = round(snapshot_hours * 3600)
        # Told a time instead, DuckLake compares texts in SQLite, and takes any of that day.
        expired = connection.execute(
            f"SELECT snapshot_id FROM ducklake_snapshots({lake}) "  # noqa: S608
            f"WHERE snapshot_time < now() - to_seconds({seconds}) "
            f"AND snapshot_id < (SELECT max(snapshot_id) FROM ducklake_snapshots({lake}))"
        ).fetchall()
        if expired:
            versions = [version for (version,) in expired]
            connection.execute(f"CALL ducklake_expire_snapshots({lake}, versions => {versions})")
        if self._catalog.startswith(SQLITE):
            seconds += _A_DAY
        which = f"older_than => now() - to_seconds({seconds})"
        if not snapshot_hours:
            which = "cleanup_all => true"
        connection.execute(f"CALL ducklake_cleanup_old_files({lake}, {which})")
        self._remove_orphans(connection)

    def _remove_orphans(self, connection: DuckDBPyConnection) -> None:
        """Remove files that killed programs have left: old ones that the lake does not know.

        Raises:
            TargetError: One of them is none of a lake, so that nothing is removed.
        """
        call = f"ducklake_delete_orphaned_files({literal(self._name)}"
        which = f"older_than => now() - to_seconds({_ORPHANED_AFTER})"
        found = connection.execute(f"FROM {call}, {which}, dry_run => true)").fetchall()
        root = f"{self._data_path.rstrip('/')}/"
        for (file,) in found:
            if not (file.startswith(root) and _OF_A_LAKE.fullmatch(file[len(root) :])):
                msg = (
                    f"setting 'data_path' holds {file}, which is none of this lake: files that "
                    "killed programs have left stay until it is gone"
                )
                raise TargetError(msg)
        if found:
            connection.execute(f"CALL {call}, {which})")
