"""Programs run to their end, with the time they took and the most memory they had."""

from __future__ import annotations

import os
import subprocess
import sys
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_BYTES_PER_UNIT = 1 if sys.platform == "darwin" else 1024


class ProgramError(Exception):
    """A program failed; the message is what it printed."""


class Usage(NamedTuple):
    """Seconds from start to end and of the processors, and the most bytes resident at a time."""

    seconds: float
    processor_seconds: float
    peak_bytes: int

    def __str__(self) -> str:
        """Return the seconds from start to end and the memory in words."""
        return f"{self.seconds:.1f} s, at most {self.peak_bytes / 1e6:,.0f} MB"


def run(arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Usage:
    """Run a program that prints into a file.

    Raises:
        ProgramError: it failed.
    """
    started = monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        try:
            _, status, resources = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        printed = log.read_text(encoding="utf-8", errors="replace").strip()
        raise ProgramError(printed or f"{arguments[0]} ended with {process.returncode}")
    return Usage(
        monotonic() - started,
        resources.ru_utime + resources.ru_stime,
        resources.ru_maxrss * _BYTES_PER_UNIT,
    )
