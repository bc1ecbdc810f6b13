"""Directories of one process alone, whose leftovers the next process finds and removes."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class LockedDirectory:
    """A directory of this process alone (mode 0700), removed when it ends.

    The process holds a lock on the directory, which the system drops when the process dies in
    whatever way: a directory that nobody has locked is a leftover, and the next run removes it.

    Attributes:
        path: The directory.
    """

    def __init__(self, parent: Path, prefix: str) -> None:
        """Remove leftovers of killed runs, then make a directory.

        Args:
            parent: Where, a directory that exists.
            prefix: What its name, and that of each leftover, begins with.

        Raises:
            OSError: The directory cannot be made.
        """
        for path in parent.glob(f"{_escaped(prefix)}*"):
            _remove_if_abandoned(path)
        self.path, lock = _make_locked(parent, prefix)
        self._finalizer = weakref.finalize(self, _remove, self.path, lock)

    def close(self) -> None:
        """Remove the directory with all it holds."""
        self._finalizer()

    def __enter__(self) -> Self:
        """Return the directory itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self.close()


def _escaped(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _make_locked(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        # Between its making and its locking another run may take it for a leftover.
        with suppress(FileNotFoundError):
            lock = os.open(path, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
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
