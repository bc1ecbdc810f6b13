"""Programs run to their end, with the time they took and the most memory they had."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MEASURED = Path(__file__).with_name("measured.py")


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


def progress(text: str) -> None:
    """Print what is being done, so that long work is seen to go on."""
    print(f"… {text}", flush=True)


def run(
    arguments: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Usage:
    """Run a program that prints into a file, in a folder if one is given.

    Raises:
        ProgramError: it failed, or could not be started.
    """
    started = monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_MEASURED), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            env={**os.environ, **(environment or {})},
            cwd=folder,
        )
        try:
            found, _ = process.communicate()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    exit_code, processor_seconds, peak_bytes = json.loads(found or "[null, 0, 0]")
    if exit_code != 0:
        printed = log.read_text(encoding="utf-8", errors="replace").strip()
        raise ProgramError(printed or f"{arguments[0]} ended with {exit_code}")
    return Usage(monotonic() - started, processor_seconds, peak_bytes)
