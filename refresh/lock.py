"""The locks of runs: one run at a time, and no program of a killed one beside it.

`refresh.lock` is held by the run alone, `refresh.steps.lock` by the run and by the program of each
step. So whoever has the first and not the second has met what a killed run has left behind.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from refresh.history import now

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK, STEPS_LOCK = "refresh.lock", "refresh.steps.lock"

#: How long a program may take to end, kindly and by force.
GRACE_SECONDS, _KILL_SECONDS = 20.0, 5.0
_POLL_SECONDS = 0.1
_PROCESSES = Path("/proc")


class BusyError(Exception):
    """Another run is going on; the message says which."""


@contextmanager
def held(folder: Path) -> Iterator[tuple[int, list[int]]]:
    """Hold both locks; what a killed run has left behind is ended first.

    Yields:
        The descriptor that programs of steps inherit, and the ids of the processes that were ended.

    Raises:
        BusyError: Another run goes on.
        OSError: A lock cannot be had: a file cannot be opened, or what was left behind stays.
    """
    with _opened(folder / LOCK) as descriptor, _opened(folder / STEPS_LOCK) as of_steps:
        if not _takes(descriptor):
            who = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            message = f"a run goes on already: {who or 'it has just begun'}"
            raise BusyError(message)
        _write(descriptor, f"process {os.getpid()}, since {now()}\n")
        ended = [] if _takes(of_steps) else _end(folder / STEPS_LOCK, of_steps)
        yield of_steps, ended
        _write(descriptor, "")


def holders(path: Path) -> list[int] | None:
    """Return the processes that hold a lock; None where this system does not say."""
    if not (_PROCESSES / "self" / "fdinfo").is_dir():
        return None
    found, wanted = set(), os.path.realpath(path)
    for link in _PROCESSES.glob("[0-9]*/fd/*"):
        # Processes end, and those of others are not to be looked into.
        with suppress(OSError):
            # Who has merely opened it holds no lock.
            if os.readlink(link) == wanted and "FLOCK" in _facts(link):  # noqa: PTH115 - of a deleted file, too
                found.add(int(link.parts[2]))
    return sorted(found)


def _facts(link: Path) -> str:
    return (link.parents[1] / "fdinfo" / link.name).read_text(encoding="utf-8")


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, who: str) -> None:
    """Say who holds the lock, for whoever finds it so; where nothing can be written, it holds."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, who.encode(), 0)


def _takes(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end(path: Path, descriptor: int) -> list[int]:
    """End the programs that hold a lock, and take it; return their ids.

    Raises:
        OSError: They stay, or nobody says which they are.
    """
    left = holders(path) or []
    for kind, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
        for process in left:
            _signal(process, kind)
        until = time.monotonic() + seconds
        while left and time.monotonic() < until:
            if _takes(descriptor):
                # What they had started themselves.
                for process in left:
                    _signal(process, signal.SIGKILL)
                return left
            time.sleep(_POLL_SECONDS)
    who = f"process {', '.join(map(str, left))}" if left else "a process"
    raise OSError(errno.EBUSY, f"{who}, which a killed run has left behind, holds it", str(path))


def _signal(process: int, kind: signal.Signals) -> None:
    """Send a signal to a process; to all of its session, where that is its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process, kind)
        return
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, kind)
