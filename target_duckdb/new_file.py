"""A database file that does not exist yet, written beside its place and put there whole.

It lies in a private directory until the first commit: what is staged is written but once, while the
tap is still being read, and nobody sees the file before all of it is there.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from target_duckdb.errors import TargetError, one_line
from target_duckdb.names import literal, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from target_duckdb.staging import StagingPlace

_FILE = "fresh.duckdb"
_SET_ASIDE = "target-duckdb staging"


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
    """Tell whether a database file exists, or a link or log of its name."""
    return os.path.lexists(path) or os.path.lexists(f"{path}.wal")
