"""The steps of a run: each is a program of its own, started, listened to, and ended in any case."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from refresh import meltano_program
from refresh.lock import GRACE_SECONDS
from refresh.meltano_log import OutputParser
from refresh.meltano_program import MeltanoProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import IO

    from refresh.meltano_program import Process


class Interrupted(BaseException):
    """A signal asks for the end, whatever goes on; the message names it."""


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        name: As people are told.
        block: What `meltano run` is told.
        is_source: Whether it reads a service into the schema of its name.
        after: The step that must have worked, where it cannot be done without.
    """

    name: str
    block: str
    is_source: bool = False
    after: str | None = None


#: What is made of the sources, in this order.
OF_ALL = (
    Step("transform", "dbt:changes"),
    Step("publish", "publish:copy", after="transform"),
    Step("report", "report:write"),
)
#: Where PARQUET_URL is set; the last one, since sending files may take long.
PARQUET = Step("parquet", "parquet:publish", after="publish")
#: The step of that name where everything is built, whether an input has changed or not.
ANEW = Step("transform", "dbt:build")


def of_sources(
    names: Sequence[str],
    *,
    load_only: bool = False,
    rebuild: bool = False,
    is_parquet_published: bool = False,
) -> tuple[Step, ...]:
    """Return the steps of a run.

    Args:
        names: The sources that it reads.
        load_only: Whether nothing is made of them.
        rebuild: Whether everything is built, not only what has changed.
        is_parquet_published: Whether what is made of them is published as Parquet, too.
    """
    sources = tuple(Step(name, name, is_source=True) for name in names)
    if load_only:
        return sources
    built = (ANEW if rebuild and step.name == ANEW.name else step for step in OF_ALL)
    return (*sources, *built, *((PARQUET,) if is_parquet_published else ()))


@dataclass(frozen=True)
class ProgramResult:
    """How the program of a step ended."""

    exit_code: int
    output: OutputParser
    is_timeout: bool = False


def meltano() -> str:
    """Return Meltano: that of this environment, else the one of the path."""
    beside = Path(sys.executable).with_name("meltano")
    return str(beside) if os.access(beside, os.X_OK) else "meltano"


@dataclass(frozen=True)
class Program:
    """What a step runs.

    Attributes:
        command: The program and its arguments.
        folder: Where it runs.
        environment: Its variables.
        timeout: Seconds after which it is ended.
        keep_open: A descriptor that it inherits: the lock of the run lasts as long as the program.
    """

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    timeout: float
    keep_open: int


def run(program: Program, listen: Callable[[str, OutputParser], None]) -> ProgramResult:
    """Run a program to its end; however this ends, so does the program.

    Args:
        program: The program.
        listen: Takes each line it says, and what is known by then.

    Raises:
        OSError: It cannot be started.
    """
    output, is_over = OutputParser(), threading.Event()
    # Meltano writes settings into it, secrets too, and where it makes it, anybody may read.
    (program.folder / ".meltano").mkdir(mode=0o700, exist_ok=True)
    with _started(program) as (process, said):

        def end_late() -> None:
            is_over.set()
            _signal(process, signal.SIGTERM)

        timer = threading.Timer(program.timeout, end_late)
        timer.daemon = True
        timer.start()
        try:
            for line in said:
                listen(output.take(line.rstrip("\n")), output)
            process.wait()
        finally:
            timer.cancel()
            _end(process)
        return ProgramResult(process.wait(), output, is_over.is_set())


@contextmanager
def _started(program: Program) -> Iterator[tuple[Process, IO[str]]]:
    """Start a program in a session of its own; yield its process, and what it says."""
    if meltano_program.is_here(program.command[0]):
        started = MeltanoProcess(
            program.command[1:], program.folder, program.environment, program.keep_open
        )
        with started.stdout as said:
            yield started, said
        return
    with subprocess.Popen(  # noqa: S603 - the project's own programs
        program.command,
        cwd=program.folder,
        env=program.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        pass_fds=(program.keep_open,),
    ) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        yield process, process.stdout


def _end(process: Process) -> None:
    """End a program kindly, and what is left of all that it started."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: Process, kind: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, kind)
