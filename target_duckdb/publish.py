"""`duckdb-publish`: a copy of a database that readers can always open.

DuckDB lets one process write to a file or many read it, never both at once. Readers that must not
wait read a copy instead, which this command replaces in one step: whoever has the old copy open
goes on reading it, whoever opens the name next gets the new one. The file keeps its name, since
views remember the name of the database they were made in, which is that of the file.

A session that opens a copy for writing, as `duckdb` and `duckdb.connect` do by default, would write
its log of changes beside whatever copy has that name by then, and DuckDB would take the log for one
of that copy. A link that leads nowhere stands in the place of the log: for DuckDB there is no log,
and none can be made, not even by root.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING

import duckdb

from target_duckdb.database import lock_holder
from target_duckdb.doublewrite import Doublewrite
from target_duckdb.errors import TargetError, one_line
from target_duckdb.extensions import LAKE_COPY, is_lake, problem
from target_duckdb.lake import DEFAULT_NAME, Lake
from target_duckdb.locked_directory import LockedDirectory
from target_duckdb.names import literal, quote
from target_duckdb.paths import has_log, has_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

_POLL_SECONDS = 0.1
_COPY_SIZE = 16 << 20
_ENDING = ".publishing"
_COPY = "the copy"
_NO_LOG = ".copies-are-only-read/log"
"""Where the log of a copy leads. Nothing makes its folder, so nothing can be written there."""

_ONLY_WHAT_IS_HERE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""Nothing is fetched to open a file that is of another kind."""

_COLUMNS = """
SELECT schema_name, table_name, column_name
FROM duckdb_columns()
WHERE database_name = current_database() AND (schema_name, table_name) IN (
    SELECT (schema_name, table_name) FROM duckdb_tables() WHERE database_name = current_database()
)
"""

_INDEXES = """
SELECT schema_name, table_name, expressions[1] FROM (
    SELECT schema_name, table_name, CAST(expressions AS VARCHAR[]) AS expressions
    FROM duckdb_indexes() WHERE database_name = current_database()
    UNION ALL
    SELECT schema_name, table_name, ['"' || replace(name, '"', '""') || '"'
        FOR name IN constraint_column_names]
    FROM duckdb_constraints()
    WHERE database_name = current_database() AND constraint_type IN ('PRIMARY KEY', 'UNIQUE')
) WHERE len(expressions) = 1
"""
"""What each index is of, as SQL; to read, DuckDB uses none of several columns."""

_BY_INDEX = "SET index_scan_percentage = 1; SET index_scan_max_count = 9223372036854775807"
"""However many rows it finds, an index is used where it can be."""


class PublishError(Exception):
    """The copy could not be made; the old one, if any, is untouched."""


def publish(source: Path, directory: Path, lock_timeout: float) -> Path:
    """Replace the copy of a database in a directory.

    Args:
        source: The database file.
        directory: Where the copy lies, under the same file name; made where it does not exist.
        lock_timeout: Seconds to wait for a process that writes to the database.

    Returns:
        The path of the copy. It has the permissions of the original.

    Raises:
        PublishError: There is no such database, it stayed locked, or the copy cannot be written.
    """
    target = directory / source.name
    misread = has_parameters(source)
    if misread is not None:
        raise PublishError(misread)
    if not source.is_file():
        msg = f"there is no database file {source}: the first load makes it"
        raise PublishError(msg)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.samefile(source):
            msg = f"the copy would replace the database itself: {target}"
            raise PublishError(msg)
        _remove_leftovers(directory, source.name)
        _copy(source, target, lock_timeout)
    except duckdb.Error as error:
        msg = f"cannot read the database {source}: {one_line(error)}"
        raise PublishError(msg) from None
    except OSError as error:
        msg = f"cannot write {target}: {error.strerror}"
        raise PublishError(msg) from None
    return target


def publish_lake(path: str, data_path: str, directory: Path) -> Path:
    """Replace the copy of a DuckLake in a directory: one snapshot of it, as a DuckDB file.

    Args:
        path: The loader's setting of this name.
        data_path: The loader's setting of this name.
        directory: Where the copy lies; made where it does not exist.

    Returns:
        The path of the copy, whose name is that of the lake in SQL: views go on to lead to it.

    Raises:
        PublishError: There is no such lake, or the copy cannot be written.
    """
    wrong = problem(path, data_path)
    if wrong is not None:
        raise PublishError(wrong)
    target = directory / LAKE_COPY
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with LockedDirectory(directory, f".{LAKE_COPY}-") as private:
            temporary = private.path / LAKE_COPY
            _copy_snapshot(path, data_path, temporary)
            with temporary.open("rb") as copy:
                os.fsync(copy.fileno())
            _forbid_log(target)
            temporary.replace(target)
    except OSError as error:
        msg = f"cannot write {target}: {error.strerror}"
        raise PublishError(msg) from None
    return target


def _copy_snapshot(path: str, data_path: str, copy: Path) -> None:
    lake = Lake(path, data_path, DEFAULT_NAME)
    try:
        with duckdb.connect(config=_ONLY_WHAT_IS_HERE) as connection:
            lake.prepare(connection, os.environ)
            connection.execute("SET TimeZone = 'UTC'")
            lake.attach(connection, is_read=True)
            connection.execute(f"ATTACH {literal(str(copy))} AS {quote(_COPY)}")
            connection.execute(f"COPY FROM DATABASE {quote(DEFAULT_NAME)} TO {quote(_COPY)}")
    except TargetError as error:
        raise PublishError(str(error)) from None
    except duckdb.Error as error:
        msg = f"cannot copy the lake: {one_line(error)}"
        raise PublishError(msg) from None


def _copy(source: Path, target: Path, lock_timeout: float) -> None:
    descriptor, name = _make_locked(target)
    temporary = Path(name)
    with os.fdopen(descriptor, "wb") as copy:
        try:
            # Closing any descriptor of the database would drop the lock that DuckDB holds on it, so
            # these are closed after the connection.
            with closing(Doublewrite(source)) as saved, _opened(source) as original:
                connection = _hold(source, saved, time.monotonic() + lock_timeout)
                try:
                    shutil.copyfileobj(original, copy, _COPY_SIZE)
                finally:
                    connection.close()
            copy.flush()
            _read_all(temporary, source)
            os.fchmod(copy.fileno(), source.stat().st_mode & 0o777)
            os.fsync(copy.fileno())
            _forbid_log(target)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _opened(source: Path) -> IO[bytes]:
    try:
        return source.open("rb")
    except OSError as error:
        msg = f"cannot open the database {source}: {error.strerror}"
        raise PublishError(msg) from None


def _read_all(copy: Path, source: Path) -> None:
    """Read every value of every table, and by every index, by which DuckDB checks each block.

    Raises:
        PublishError: Something cannot be read.
    """
    try:
        with duckdb.connect(str(copy), read_only=True, config=_ONLY_WHAT_IS_HERE) as connection:
            columns: dict[str, list[str]] = {}
            for schema, table, column in connection.execute(_COLUMNS).fetchall():
                columns.setdefault(f"{quote(schema)}.{quote(table)}", []).append(quote(column))
            for table, names in columns.items():
                hashes = ", ".join(f"max(hash({name}))" for name in names)
                connection.execute(f"SELECT {hashes} FROM {table}").fetchall()  # noqa: S608
            connection.execute(_BY_INDEX)
            for schema, name, key in connection.execute(_INDEXES).fetchall():
                table = f"{quote(schema)}.{quote(name)}"
                connection.execute(f"SET VARIABLE least = (SELECT min({key}) FROM {table})")  # noqa: S608
                for sign in ("=", ">"):
                    query = f"SELECT count(*) FROM {table} WHERE {key} {sign} getvariable('least')"  # noqa: S608
                    connection.execute(query).fetchall()
    except duckdb.Error as error:
        msg = f"the database {source} is damaged, and is not published: {one_line(error)}"
        raise PublishError(msg) from None


def _forbid_log(target: Path) -> None:
    """Put a link that leads nowhere in the place of the log of a copy.

    Raises:
        PublishError: The file system has no such links.
    """
    log = target.with_name(f"{target.name}.wal")
    link = log.with_name(f".{log.name}{_ENDING}")
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(_NO_LOG)
        link.replace(log)
    except OSError as error:
        msg = (
            f"cannot make the symbolic link {log}, without which an old copy that is open for "
            f"writing would damage a new one: {error.strerror}"
        )
        raise PublishError(msg) from None


def _hold(source: Path, saved: Doublewrite, deadline: float) -> duckdb.DuckDBPyConnection:
    """Open the database so that nobody writes to it, with all of its content in the one file."""
    connection = open_unlocked(source, deadline, read_only=True)
    if not has_log(source):
        return connection
    # A process that died while it wrote has left a log, which has to become part of the file.
    connection.close()
    connection = open_unlocked(source, deadline, read_only=False)
    try:
        saved.save(connection)
        connection.execute("FORCE CHECKPOINT")
    except duckdb.Error as error:
        msg = f"cannot write to the database {source}: {one_line(error)}"
        raise PublishError(msg) from None
    return connection


def open_unlocked(source: Path, deadline: float, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open a database once no other process holds it.

    Args:
        source: Its file.
        deadline: How long to wait, as `time.monotonic` counts.
        read_only: Whether it is only read.

    Raises:
        PublishError: It stays locked, or cannot be opened.
    """
    while True:
        connection, holder = _try_open(source, read_only=read_only)
        if connection is not None:
            return connection
        if time.monotonic() >= deadline:
            msg = f"the database is locked by {holder}; --lock-timeout sets how long to wait"
            raise PublishError(msg)
        time.sleep(_POLL_SECONDS)


def _try_open(
    source: Path, *, read_only: bool
) -> tuple[duckdb.DuckDBPyConnection | None, str | None]:
    def connect() -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(source), read_only, _ONLY_WHAT_IS_HERE)

    try:
        return Doublewrite(source).attach(connect), None
    except duckdb.Error as error:
        holder = lock_holder(error)
        if holder is None:
            msg = f"cannot open the database {source}: {one_line(error)}"
            raise PublishError(msg) from None
        return None, holder


def _make_locked(target: Path) -> tuple[int, str]:
    """Make the file to copy into, locked as long as this process lives."""
    while True:
        descriptor, name = tempfile.mkstemp(_ENDING, f".{target.name}.", target.parent)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Between its making and its locking another run may have taken it for a leftover.
        if os.fstat(descriptor).st_nlink:
            return descriptor, name
        os.close(descriptor)


def _remove_leftovers(directory: Path, name: str) -> None:
    """Remove what runs that were killed have left; what a running one writes is locked."""
    for path in directory.iterdir():
        if not (path.name.startswith(f".{name}.") and path.name.endswith(_ENDING)):
            continue
        try:
            with path.open("rb") as leftover:
                fcntl.flock(leftover, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except (BlockingIOError, FileNotFoundError):
            continue


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Those of the command line by default.

    Returns:
        0 when the copy was replaced, 1 when it could not be. Wrong usage ends with 2.
    """
    parser = argparse.ArgumentParser(
        prog="duckdb-publish",
        description="Replace the copy of a DuckDB database that readers open, in one step.",
    )
    parser.add_argument(
        "source",
        nargs="?",
        default=os.environ.get("DUCKDB_PATH"),
        help=(
            "the database file, or a DuckLake whose files are in $DUCKDB_DATA_PATH "
            "(default: $DUCKDB_PATH)"
        ),
    )
    parser.add_argument(
        "directory",
        nargs="?",
        default=os.environ.get("DUCKDB_PUBLISH_DIR"),
        help="the directory of the copy (default: $DUCKDB_PUBLISH_DIR)",
    )
    parser.add_argument(
        "--lock-timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to wait for a process that writes (default: 60)",
    )
    options = parser.parse_args(arguments)
    if not options.source or not options.directory:
        parser.error("name the database and the directory, or set DUCKDB_PATH, DUCKDB_PUBLISH_DIR")
    try:
        # As the loader and DuckDB take them, where no shell has seen them.
        directory = Path(options.directory).expanduser()
        if is_lake(options.source):
            data_path = os.environ.get("DUCKDB_DATA_PATH", "")
            target = publish_lake(options.source, data_path, directory)
        else:
            target = publish(Path(options.source).expanduser(), directory, options.lock_timeout)
    except PublishError as error:
        sys.stderr.write(f"duckdb-publish: {error}\n")
        return 1
    # As the file system has it, whatever the encoding of the terminal.
    sys.stdout.buffer.write(os.fsencode(target) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
