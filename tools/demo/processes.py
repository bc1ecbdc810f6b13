"""The processes of the demo: started, watched, and ended whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SECONDS_TO_END = 20.0


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def interrupt(*_: object) -> NoReturn:
    """Take a signal as an interrupt from the keyboard."""
    raise KeyboardInterrupt


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and all it started, kindly first."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, kind)
        except ProcessLookupError:
            break
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            continue
        break
    process.wait()


@contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path, errors: int | IO[str]
) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process group of its own, which ends with the block."""
    with subprocess.Popen(  # noqa: S603 - the commands are this project's own
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            _end(process)


@contextmanager
def sandbox(root: Path, log: Path, *arguments: str, **environment: str) -> Iterator[dict[str, Any]]:
    """Run the stand-in of both services on a free port.

    Yields:
        What it says of itself once it listens: addresses and row counts.

    Raises:
        DemoError: If it does not come up.
    """
    command = [program("sandbox"), "--port", "0", *arguments]
    with (
        log.open("w+", encoding="utf-8") as errors,
        _started(command, {**os.environ, **environment}, root, errors) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - for the type checker
        line = process.stdout.readline()
        if not line.startswith("{"):
            message = f"the sandbox did not start: {line}{log.read_text(encoding='utf-8')}"
            raise DemoError(message.strip())
        yield json.loads(line)


@contextmanager
def receiver(
    root: Path, log: Path, environment: Mapping[str, str], *arguments: str
) -> Iterator[None]:
    """Run the receiver of webhooks.

    Raises:
        DemoError: If it does not come up.
    """
    command = [program("kananas-webhooks"), "serve", *arguments]
    with (
        log.open("w+", encoding="utf-8") as errors,
        _started(command, {**os.environ, **environment}, root, errors) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - for the type checker
        if not process.stdout.readline():
            message = f"the receiver did not start: {log.read_text(encoding='utf-8')}"
            raise DemoError(message.strip())
        yield


def program(name: str) -> str:
    """Give the path of a program of the environment the demo runs in."""
    return str(Path(sys.executable).with_name(name))


def meltano(
    root: Path, log: Path, arguments: Sequence[str], environment: Mapping[str, str]
) -> Iterator[str]:
    """Run Meltano, write all it says to a log, and yield each line.

    Raises:
        DemoError: If it ends with another exit code than 0.
    """
    yield from _run(root, log, [program("meltano"), *arguments], environment)


def refresh(root: Path, log: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run `refresh`, write all it says to a log, and yield each line.

    Raises:
        DemoError: If it ends with another exit code than 0.
    """
    yield from _run(root, log, [program("refresh")], environment)


def _run(
    root: Path, log: Path, command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[str]:
    with _started(command, {**os.environ, **environment}, root, subprocess.STDOUT) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        with log.open("w", encoding="utf-8") as file:
            for line in process.stdout:
                file.write(line)
                file.flush()
                yield line.rstrip("\n")
        if process.wait() != 0:
            name = Path(command[0]).name
            raise DemoError(tail(log, f"{name} ended with exit code {process.returncode}"))


def tail(log: Path, problem: str) -> str:
    """Give the last lines of a log, and what the problem is."""
    last = "".join(log.read_text(encoding="utf-8").splitlines(keepends=True)[-30:])
    return f"{last}\n{problem}; the whole log: {log}"
