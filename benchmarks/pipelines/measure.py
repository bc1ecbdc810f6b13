"""Programs joined by pipes, run to their end: how long, at what cost, with how much memory."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_SAMPLED_EVERY = 0.1


class FailedError(Exception):
    """A program of a pipeline ended with an error."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        began: When, in seconds since 1970.
        ended: The same for the end of the last program.
        cpu: Seconds of all programs together, and of all they started.
        peak: Most memory that all of them had at one time (resident set sizes), in MB.
    """

    began: float
    ended: float
    cpu: float
    peak: float


def run(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str], directory: Path, log: Path
) -> Run:
    """Run programs, each reading what the one before writes.

    Args:
        commands: The programs with their arguments.
        environment: All of their environment.
        directory: Where they run.
        log: Takes what they say.

    Raises:
        FailedError: One of them ended with an error.
    """
    began = time.time()
    logs = [log.with_suffix(f".{number}") for number, _ in enumerate(commands)]
    processes: list[subprocess.Popen[bytes]] = []
    for command, path in zip(commands, logs, strict=True):
        is_last = len(processes) == len(commands) - 1
        with path.open("wb") as words:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=directory,
                stdin=processes[-1].stdout if processes else subprocess.DEVNULL,
                stdout=words if is_last else subprocess.PIPE,
                stderr=words,
            )
        if processes and processes[-1].stdout is not None:
            processes[-1].stdout.close()
        processes.append(process)
    watch = _Watch(processes)
    cpu = 0.0
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu += usage.ru_utime + usage.ru_stime
    ended = time.time()
    peak = watch.end()
    # Where a program has ended early, the one before it has nobody left to write to.
    for process, path in reversed(list(zip(processes, logs, strict=True))):
        if process.returncode:
            message = f"exit code {process.returncode}: {_reason(path)}"
            raise FailedError(message)
    return Run(began, ended, cpu, peak)


def _reason(log: Path) -> str:
    """Return the last line that speaks of an error, or the last one."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [""]
    found = [line for line in lines if "error" in line.lower()]
    return (found or lines)[-1].strip()[:200]


class _Watch:
    """Looks at the memory of processes, and of all they start, until told to end."""

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        self._roots = [psutil.Process(process.pid) for process in processes]
        self._peak = 0
        self._over = Event()
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(_SAMPLED_EVERY):
            self._peak = max(self._peak, sum(map(_memory, self._roots)))

    def end(self) -> float:
        self._over.set()
        self._thread.join()
        return self._peak / 1e6


def _memory(root: psutil.Process) -> int:
    try:
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:  # noqa: PERF203 (it has just ended)
            continue
    return total
