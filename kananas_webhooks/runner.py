"""Starts the refresh: one command, fixed by the operator, one run at a time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from time import monotonic
from typing import TYPE_CHECKING, Any

from kananas_webhooks.events import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from kananas_webhooks.schedule import Schedule

#: Seconds a run has to end after it was asked to.
GRACE_SECONDS = 20.0

_RUNS_KEPT = 10

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """A run of the command.

    Attributes:
        started_at: ISO 8601 in UTC.
        seconds: How long it took; None while it runs.
        exit_code: How it ended, negative for a signal; None while it runs or where it could not
            be started.
    """

    started_at: str
    seconds: float | None = None
    exit_code: int | None = None


class Runner:
    """Runs a command when a schedule says so.

    Attributes:
        runs: The last runs, newest first.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        schedule: Schedule,
        ended: Callable[[Run], None] = lambda _run: None,
    ) -> None:
        """Prepare.

        Args:
            command: The program and its arguments; nothing of an event ever becomes a part of it.
            folder: Where it runs.
            environment: The variables it sees.
            schedule: When it runs.
            ended: Is told of every run that has ended.
        """
        self._command = tuple(command)
        self._folder = folder
        self._environment = dict(environment)
        self._schedule = schedule
        self._ended = ended
        self._changed = asyncio.Event()
        self.runs: deque[Run] = deque(maxlen=_RUNS_KEPT)

    def notice(self) -> None:
        """Take note that something has changed."""
        self._schedule.notice(monotonic())
        self._changed.set()

    def describe(self) -> dict[str, Any]:
        """Return what it does, for people and for monitors."""
        due = self._schedule.due()
        running = bool(self.runs) and self.runs[0].seconds is None
        return {
            "command": " ".join(self._command),
            "running": running,
            "due_in_seconds": None if due is None else round(max(0.0, due - monotonic()), 1),
            "failures_in_a_row": self._schedule.failures,
            "last_runs": [
                {"started_at": run.started_at, "seconds": run.seconds, "exit_code": run.exit_code}
                for run in self.runs
            ],
        }

    async def work(self) -> None:
        """Run the command whenever it is due, until cancelled; a run that is going on then ends."""
        while True:
            self._changed.clear()
            due = self._schedule.due()
            wait = None if due is None else due - monotonic()
            if wait is not None and wait <= 0:
                await self._run()
                continue
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)

    async def _run(self) -> None:
        self._schedule.start(monotonic())
        started = monotonic()
        self.runs.appendleft(Run(moment(datetime.now(timezone.utc))))
        code: int | None = None
        try:
            code = await self._execute()
        except OSError as error:
            _logger.error("%s cannot be started: %s", self._command[0], error.strerror)  # noqa: TRY400
        finally:
            seconds = round(monotonic() - started, 1)
            run = self.runs[0] = replace(self.runs[0], seconds=seconds, exit_code=code)
            self._schedule.end(monotonic(), good=code == 0)
            self._ended(run)
            level = logging.INFO if code == 0 else logging.ERROR
            _logger.log(level, "the run ended with exit code %s after %.1f s", code, seconds)

    async def _execute(self) -> int:
        # Meltano writes settings into it, secrets too, and where it makes it, anybody may read.
        (self._folder / ".meltano").mkdir(mode=0o700, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            # Standard output has one line of our own.
            stdout=sys.stderr.fileno(),
            stderr=sys.stderr.fileno(),
            start_new_session=True,
        )
        try:
            return await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a run and all that it started, kindly first."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE_SECONDS)
            return
