"""Private files between the messages and DuckDB, and what a killed run leaves of them."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path

from target_duckdb.errors import TargetError

_WRITE_SIZE = 1 << 20
_LEFTOVERS = ".target-duckdb-"


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


class StagingDirectory:
    """A directory of this process alone (mode 0700), removed when it ends.

    The process holds a lock on the directory, which the system drops when the process dies in
    whatever way: a directory that nobody has locked is a leftover, and the next run removes it.
    """

    def __init__(self, beside: Path | None) -> None:
        """Remove leftovers of killed runs, then make a directory.

        Args:
            beside: The database file; the directory is made next to it, so that it is on a disk
                meant for its size and found again. None for the system's temporary directory.

        Raises:
            TargetError: The directory cannot be made.
        """
        parent = Path(tempfile.gettempdir()) if beside is None else beside.parent
        prefix = f"{_LEFTOVERS}{'memory' if beside is None else beside.name}-"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            for path in parent.glob(f"{_escaped(prefix)}*"):
                _remove_if_abandoned(path)
            self.path, lock = _make_locked(parent, prefix)
        except OSError as error:
            msg = f"cannot write to {parent}, the directory of setting 'path': {error.strerror}"
            raise TargetError(msg) from None
        self._finalizer = weakref.finalize(self, _remove, self.path, lock)

    def close(self) -> None:
        """Remove the directory with all it holds."""
        self._finalizer()


def _escaped(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _make_locked(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        lock = os.open(path, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Between its making and its locking another run may have taken it for a leftover.
        if path.exists():
            return path, lock
        os.close(lock)


def _remove_if_abandoned(path: Path) -> None:
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
    else:
        _remove(path, lock)


def _remove(path: Path, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(lock)


class StagingFile:
    """Lines of JSON on their way into DuckDB, kept in memory until they are worth a write.

    Attributes:
        path: The file (mode 0600).
        buffer: Where lines are appended, each ending in a newline.
        rows: Number of lines.
        longest: No line has more bytes than this.
        has_texts: Whether objects and arrays of some line are texts.
        version: The table version of each line that does not name its own.
    """

    def __init__(self, directory: Path, name: str) -> None:
        """Name the file; it is made with the first write."""
        self.path = directory / name
        self.buffer = bytearray()
        self.rows = 0
        self.longest = 0
        self.has_texts = False
        self.version: int | None = None
        self._written = 0

    @property
    def size(self) -> int:
        """Bytes of all lines."""
        return self._written + len(self.buffer)

    def line_added(self, start: int) -> None:
        """Count the line that was just appended to the buffer, write if there is enough.

        Args:
            start: Where in the buffer the line begins.
        """
        self.lines_added(start, 1)

    def lines_added(self, start: int, count: int) -> None:
        """Count lines that were just appended to the buffer, write if there is enough.

        Args:
            start: Where in the buffer the first of them begins.
            count: How many there are.
        """
        self.rows += count
        end = len(self.buffer)
        # No line is longer than all of them together, which are few unless they are long.
        self.longest = max(self.longest, end - start)
        if end >= _WRITE_SIZE:
            self.write()

    def cut(self, count: int) -> bytes:
        """Take lines that were just appended back out of the buffer, before they are counted.

        Args:
            count: How many of the last lines.
        """
        start = len(self.buffer)
        for _ in range(count + 1):
            start = self.buffer.rfind(b"\n", 0, start)
        rest = bytes(self.buffer[start + 1 :])
        del self.buffer[start + 1 :]
        return rest

    def write(self) -> None:
        """Append the buffer to the file.

        Raises:
            TargetError: The disk is full, or there is another reason not to write.
        """
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.buffer)
        except OSError as error:
            msg = f"cannot write to {self.path.parent}: {error.strerror}"
            raise TargetError(msg) from None
        self._written += len(self.buffer)
        self.buffer.clear()

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)
