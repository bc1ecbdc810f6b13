"""Runs: one at a time, nothing of an event in them, again after a failure."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from kananas_webhooks.runner import Run, Runner
from kananas_webhooks.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

SECONDS_AT_MOST = 30

# Says that it runs, waits until it may end, and ends as it is told.
PROGRAM = """
import os, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
running = folder / "running"
running.touch(exist_ok=False)
with (folder / "log").open("a") as log:
    log.write(os.environ["A_SETTING"] + chr(10))
while not (folder / "go").exists():
    time.sleep(0.01)
running.unlink()
sys.exit(int((folder / "go").read_text()))
"""


class Work:
    """A runner at work on a program that waits in a folder for its end."""

    def __init__(self, folder: Path) -> None:
        """Run without waits."""
        self.folder = folder
        self.ended: list[Run] = []
        self.schedule = Schedule(quiet=0, every=0)
        environment = {**os.environ, "A_SETTING": "of the operator"}
        command = (sys.executable, "-c", PROGRAM, str(folder))
        self.runner = Runner(command, folder, environment, self.schedule, self.ended.append)

    def let_end(self, code: int) -> None:
        new = self.folder / "new"
        new.write_text(str(code), encoding="utf-8")
        new.rename(self.folder / "go")

    @property
    def starts(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.runner.work())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def until(self, condition: Callable[[], bool]) -> None:
        async def look() -> None:
            while not condition():  # noqa: ASYNC110 - another process makes it true
                await asyncio.sleep(0.01)

        await asyncio.wait_for(look(), SECONDS_AT_MOST)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def test_what_comes_during_a_run_makes_one_run_more(work: Work) -> None:
    async def play() -> None:
        async with work.going_on():
            work.runner.notice()
            await work.until(lambda: len(work.starts) == 1)
            assert work.runner.describe()["running"]
            for _ in range(5):
                work.runner.notice()
            work.let_end(0)
            await work.until(lambda: len(work.ended) == 2)

    asyncio.run(play())
    assert work.starts == ["of the operator"] * 2
    # Meltano puts secrets into it; where it makes the folder itself, anybody may read.
    assert stat.S_IMODE((work.folder / ".meltano").stat().st_mode) == 0o700
    assert [run.exit_code for run in work.ended] == [0, 0]
    described = work.runner.describe()
    assert (described["running"], described["due_in_seconds"]) == (False, None)
    assert [run["exit_code"] for run in described["last_runs"]] == [0, 0]


def test_a_failed_run_is_tried_again_until_it_is_good(work: Work) -> None:
    async def play() -> None:
        async with work.going_on():
            work.let_end(3)
            work.runner.notice()
            await work.until(lambda: len(work.ended) >= 2)
            assert work.runner.describe()["failures_in_a_row"] >= 2
            work.let_end(0)
            await work.until(lambda: work.ended[-1].exit_code == 0)

    asyncio.run(play())
    assert {run.exit_code for run in work.ended[:-1]} == {3}
    assert work.schedule.failures == 0


def test_a_program_that_is_not_there_is_a_failed_run(work: Work) -> None:
    runner = Runner(
        ("/does/not/exist",), work.folder, {}, Schedule(quiet=0, every=9), work.ended.append
    )

    async def play() -> None:
        task = asyncio.create_task(runner.work())
        runner.notice()
        await work.until(lambda: bool(work.ended))
        task.cancel()

    asyncio.run(play())
    assert [run.exit_code for run in work.ended] == [None]
    assert runner.describe()["due_in_seconds"] > 0


def test_the_end_of_the_receiver_ends_a_run(work: Work) -> None:
    async def play() -> None:
        async with work.going_on():
            work.runner.notice()
            await work.until((work.folder / "running").exists)
            assert children()
        assert not children()

    def children() -> list[psutil.Process]:
        found = psutil.Process().children(recursive=True)
        return [child for child in found if str(work.folder) in child.cmdline()]

    asyncio.run(play())
