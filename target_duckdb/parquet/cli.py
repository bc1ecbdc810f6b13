"""`parquet-publish`: the tables of a DuckDB file as Parquet, for whoever reads open files."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from target_duckdb.extensions import copy_name
from target_duckdb.parquet.manifest import ManifestError
from target_duckdb.parquet.places import PlaceError, PlaceSettingError, at
from target_duckdb.parquet.publish import (
    CleaningError,
    Options,
    PublishParquetError,
    publish,
)
from target_duckdb.parquet.tables import TableError
from target_duckdb.publish import PublishError, open_unlocked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    import duckdb

PROGRAM = "parquet-publish"
DONE, FAILED, WRONG_SETTINGS = 0, 1, 2

_SCHEMAS = "kananas,kizen,marts"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Those of the command line by default.

    Returns:
        0 when the snapshot is published, 1 when something failed, 2 when a setting is wrong.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    source = given.source or _published_copy()
    if not source or not given.url:
        parser.error("name the database and the URL, or set DUCKDB_PUBLISH_DIR and PARQUET_URL")
    schemas = [each.strip() for each in given.schemas.split(",") if each.strip()]
    try:
        _publish(Path(source).expanduser(), given.url, Options(schemas, given.keep), given)
    except PlaceSettingError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return WRONG_SETTINGS
    except (
        CleaningError, ManifestError, PlaceError, PublishError, PublishParquetError, TableError,
    ) as error:  # fmt: skip
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return FAILED
    return DONE


def _publish(source: Path, url: str, options: Options, given: argparse.Namespace) -> None:
    place = at(url)
    if not source.is_file():
        message = f"there is no database file {source}: it is there after `duckdb-publish`"
        raise PublishError(message)
    started = time.monotonic()
    with open_unlocked(source, started + given.lock_timeout, read_only=True) as connection:
        # One moment for all tables, and for views that ask for the time.
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("BEGIN TRANSACTION")
        with _ended_by_sigterm(connection):
            manifest = publish(connection, place, options, _say)
    written = sum(table.snapshot == manifest.snapshot.snapshot for table in manifest.tables)
    _say(
        f"{place.name}: snapshot {manifest.snapshot.snapshot}, {len(manifest.tables)} tables, "
        f"{written} of them written, {time.monotonic() - started:.1f} s"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Publish the tables of a DuckDB file as Parquet, in a folder or an object "
        "store: one snapshot at a time, named by a manifest.",
    )
    parser.add_argument(
        "source",
        nargs="?",
        help="the database file (default: the published copy, by $DUCKDB_PUBLISH_DIR and "
        "$DUCKDB_PATH)",
    )
    parser.add_argument(
        "url",
        nargs="?",
        default=os.environ.get("PARQUET_URL"),
        help="a folder, or s3://, gs://, az:// with bucket and prefix (default: $PARQUET_URL)",
    )
    parser.add_argument(
        "--schemas",
        default=os.environ.get("PARQUET_SCHEMAS") or _SCHEMAS,
        help=f"the schemas to publish (default: $PARQUET_SCHEMAS, or {_SCHEMAS})",
    )
    parser.add_argument(
        "--keep",
        type=_count,
        default=os.environ.get("PARQUET_KEEP") or "3",
        metavar="N",
        help="how many earlier snapshots stay (default: $PARQUET_KEEP, or 3)",
    )
    parser.add_argument(
        "--lock-timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to wait for a process that writes to the database (default: 60)",
    )
    return parser


def _published_copy() -> str | None:
    """Return the path of the copy that `duckdb-publish` has made, by the variables it goes by."""
    folder, database = os.environ.get("DUCKDB_PUBLISH_DIR"), os.environ.get("DUCKDB_PATH")
    if not folder or not database:
        return None
    return str(Path(folder, copy_name(database)))


def _count(text: str) -> int:
    # Without any, a reader would lose its files as soon as the manifest is replaced.
    if not text.isdecimal() or int(text) < 1:
        message = "PARQUET_KEEP must be a whole number above 0"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def _ended_by_sigterm(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Take SIGTERM for an error, so that what was written so far is removed.

    Python calls no handler before DuckDB is done with a query. A thread hears of the signal at
    once, and interrupts the query.
    """
    codes: list[int] = []

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        codes.append(128 + number)
        sys.exit(codes[0])

    def interrupt() -> None:
        if heard.recv(1):
            connection.interrupt()

    before = signal.signal(signal.SIGTERM, end)
    heard, told = socket.socketpair()
    told.setblocking(False)  # noqa: FBT003 - of the class
    told_before = signal.set_wakeup_fd(told.fileno())
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    except BaseException:
        # DuckDB makes an error of its own of what the handler raises.
        if codes:
            sys.exit(codes[0])
        raise
    finally:
        signal.set_wakeup_fd(told_before)
        signal.signal(signal.SIGTERM, before)
        told.close()
        thread.join()
        heard.close()


if __name__ == "__main__":
    sys.exit(main())
