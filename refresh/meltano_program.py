"""Meltano for each step of a run, from one process that has imported it.

Importing Meltano takes 0.7 s of a processor, and a run has five steps. So the first step starts the
fork server of the standard library, which imports it once and forks for each step. The new process
has a session of its own, the arguments and variables of the step, and its output in a pipe. The
server ends with the run.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from io import TextIOWrapper
    from multiprocessing.context import ForkServerProcess

_MODULE = "meltano.cli"


class Process(Protocol):
    """What `refresh` needs of a process; that of `subprocess` is one."""

    @property
    def pid(self) -> int:
        """Its id, and that of its session."""

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code.

        Raises:
            subprocess.TimeoutExpired: It still runs after so many seconds.
        """


def is_here(command: str) -> bool:
    """Return whether a command is Meltano of this environment, which this Python can import."""
    beside = Path(sys.executable).with_name("meltano")
    return command == str(beside) and importlib.util.find_spec("meltano") is not None


class MeltanoProcess:
    """A process that runs Meltano; each has a session of its own.

    Attributes:
        stdout: What it says.
    """

    def __init__(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], keep_open: int
    ) -> None:
        """Start it.

        Args:
            arguments: Those of the command `meltano`.
            folder: Where it runs.
            environment: Its variables.
            keep_open: A descriptor that it has, too.
        """
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([_MODULE])
        (output, said), (begun, begins) = (context.Pipe(duplex=False) for _ in range(2))
        kept = Connection(os.dup(keep_open), writable=False)
        handed_over = said, begins, kept
        self._process: ForkServerProcess = context.Process(
            target=_be_meltano, args=(arguments, folder, dict(environment), *handed_over)
        )
        with output, begun:
            try:
                self._process.start()
            finally:
                for each in handed_over:
                    each.close()
            try:
                # Signals go to its session, which it does not have at once.
                with suppress(EOFError):
                    begun.recv_bytes()
            except BaseException:
                self._process.kill()
                raise
            self.stdout: TextIOWrapper = os.fdopen(
                os.dup(output.fileno()), encoding="utf-8", errors="replace"
            )

    @property
    def pid(self) -> int:
        """Its id, and that of its session."""
        assert self._process.pid is not None  # noqa: S101 - it has been started
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code.

        Raises:
            subprocess.TimeoutExpired: It still runs after so many seconds.
        """
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(_MODULE, timeout or 0.0)
        return code


def _be_meltano(
    arguments: Sequence[str],
    folder: Path,
    environment: dict[str, str],
    said: Connection,
    begins: Connection,
    _kept: Connection,
) -> None:
    """Run Meltano in this process; `_kept` is open as long as it lives."""
    os.setsid()
    begins.close()
    os.chdir(folder)
    for descriptor in (1, 2):
        os.dup2(said.fileno(), descriptor)
    said.close()
    sys.stdout, sys.stderr = (
        open(descriptor, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
        for descriptor in (1, 2)
    )
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["meltano", *arguments]
    from meltano.cli import (  # type: ignore[import-not-found]  # noqa: PLC0415 - imported by the server
        main,
    )

    main()
