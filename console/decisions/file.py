"""The decisions file: appended to, never rewritten, and on the disk before anybody is told so.

A line is a JSON object. Several processes may append in turn: each locks the file while it writes.
A process that is killed while it writes leaves half a line, which was never said to be saved. The
next one ends that line, and readers tell its number.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import msgspec

from console.decisions.decision import Decision, checked
from console.settings import variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_LOCK_SECONDS = 10.0
_POLL_SECONDS = 0.02
_DECODER = msgspec.json.Decoder(Decision)

Line = TypeVar("Line")


Cause = Literal["full", "read-only", "denied", "held", "other"]

#: What the system says where a disk takes no more, or nothing.
_CAUSES: dict[int | None, Cause] = {
    errno.ENOSPC: "full", errno.EDQUOT: "full", errno.EFBIG: "full",
    errno.EROFS: "read-only", errno.EACCES: "denied", errno.EPERM: "denied",
}  # fmt: skip


class DecisionsFileError(Exception):
    """The file could not be read or written; nothing that was in it is lost."""

    def __init__(self, message: str, cause: Cause = "other") -> None:
        """Take the message, and what is the cause in one word."""
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True)
class UnreadableLine:
    """A line that cannot be read: its number from 1, and why."""

    number: int
    reason: str


def default_path(environment: Mapping[str, str] | None = None) -> Path:
    """Return where decisions are kept: `DUCKDB_DECISIONS_PATH`, or beside the warehouse."""
    environment = variables() if environment is None else environment
    if given := environment.get("DUCKDB_DECISIONS_PATH"):
        return Path(given).expanduser()
    return output_folder(environment) / "decisions.jsonl"


def output_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of the data of this Meltano environment."""
    environment = variables() if environment is None else environment
    root = Path(environment.get("MELTANO_PROJECT_ROOT") or ".")
    return root / "output" / (environment.get("MELTANO_ENVIRONMENT") or "prod")


class LinesFile(Generic[Line]):
    """A file of JSON lines. It holds what has been read, so that only what is new is read again."""

    def __init__(
        self,
        path: Path,
        decode: Callable[[bytes], Line],
        checked: Callable[[Line], Line],
        lock_timeout: float = _LOCK_SECONDS,
    ) -> None:
        """Take a path; the file is made by the first line.

        Args:
            path: Of the file.
            decode: Returns what a line says; a ValueError where it cannot be read.
            checked: Returns it as it may be written.
            lock_timeout: Seconds to wait for another process that writes.
        """
        self.path = path
        self._decode = decode
        self._checked = checked
        self._lock_timeout = lock_timeout
        self._forget()

    def _forget(self) -> None:
        self._inode: tuple[int, int] | None = None
        self._read_to = 0
        self._line_count = 0
        self._lines: list[Line] = []
        self._unreadable: list[UnreadableLine] = []
        self._rest = b""

    def append(self, new: Iterable[Line], check: Callable[[], None] | None = None) -> None:
        """Write lines, all or none. They are on the disk when this returns.

        Args:
            new: The lines.
            check: Raises where they should not be written after all. It is asked while nobody
                else can write.

        Raises:
            DecisionError: A decision is not whole.
            DecisionsFileError: They are not saved.
        """
        lines = b"".join(msgspec.json.encode(self._checked(each)) + b"\n" for each in new)
        if not lines:
            return
        try:
            descriptor, is_new = self._open_locked()
        except OSError as error:
            raise self._not_saved(error) from error
        try:
            if check is not None:
                check()
            self._write(descriptor, lines)
            if is_new:
                _sync_folder(self.path.parent)
        except OSError as error:
            raise self._not_saved(error) from error
        finally:
            os.close(descriptor)

    def _not_saved(self, error: OSError) -> DecisionsFileError:
        message = f"not saved: {self.path}: {error.strerror or error}"
        return DecisionsFileError(message, _CAUSES.get(error.errno, "other"))

    def _open_locked(self) -> tuple[int, bool]:
        """Open the file that the path names, locked, and tell whether it was made."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + self._lock_timeout
        while True:
            is_new = not self.path.exists()
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(self.path, flags, 0o600)
            try:
                self._lock(descriptor, deadline)
                # Somebody may have put another file in its place before it was locked.
                if os.path.samestat(os.fstat(descriptor), self.path.stat()):
                    return descriptor, is_new
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _lock(self, descriptor: int, deadline: float) -> None:
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                message = f"not saved: {self.path}: another process holds it"
                raise DecisionsFileError(message, "held")
            time.sleep(_POLL_SECONDS)

    @staticmethod
    def _write(descriptor: int, lines: bytes) -> None:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            # Half a line of somebody who was killed: it ends here, and swallows no other.
            lines = b"\n" + lines
        try:
            written = 0
            while written < len(lines):
                written += os.write(descriptor, lines[written:])
            os.fsync(descriptor)
        except OSError:
            # Who is told that it is not saved must not find it later. Where even that fails, what
            # is left is half a line, as after a kill.
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise

    def read(self) -> list[Line]:
        """Return all that can be read, in the order in which it was written.

        Raises:
            DecisionsFileError: The file is there, and cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                inode = (status.st_dev, status.st_ino)
                if inode != self._inode or status.st_size < self._read_to:
                    self._forget()
                    self._inode = inode
                file.seek(self._read_to)
                self._take(file.read())
        except FileNotFoundError:
            self._forget()
        except OSError as error:
            message = f"cannot read {self.path}: {error.strerror or error}"
            raise DecisionsFileError(message, _CAUSES.get(error.errno, "other")) from error
        return [*self._lines, *self._last_line()]

    def _take(self, content: bytes) -> None:
        """Read whole lines; what has no end yet is looked at again when there is more."""
        *lines, rest = content.split(b"\n")
        for line in lines:
            self._line_count += 1
            if line.strip():
                self._take_line(line)
        self._read_to += len(content) - len(rest)
        self._rest = rest

    def _take_line(self, line: bytes) -> None:
        try:
            self._lines.append(self._decode(line))
        except ValueError as error:
            self._unreadable.append(UnreadableLine(self._line_count, str(error)))

    def unreadable(self) -> list[UnreadableLine]:
        """Return the lines that cannot be read, the last one too where it has no end."""
        self.read()
        if not self._rest.strip() or self._last_line():
            return list(self._unreadable)
        return [*self._unreadable, UnreadableLine(self._line_count + 1, "the line has no end")]

    def _last_line(self) -> list[Line]:
        """Return what a last line says that lacks no more than its end."""
        try:
            return [self._decode(self._rest)]
        except ValueError:
            return []


class DecisionsFile(LinesFile[Decision]):
    """A file of decisions."""

    def __init__(self, path: Path, lock_timeout: float = _LOCK_SECONDS) -> None:
        """Take a path; the file is made by the first decision."""
        super().__init__(path, _decoded, checked, lock_timeout)


def _decoded(line: bytes) -> Decision:
    """Return the decision of a line.

    Raises:
        ValueError: It is none.
    """
    return checked(_DECODER.decode(line))


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
