"""A copy of this checkout, in a folder with a space in its name, used as a stranger would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

import duckdb
from psutil import process_iter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]

# What a run leaves behind, and what is only of use to those who work here.
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".matrix", ".meltano*", ".*_cache", ".hypothesis", "__pycache__",
    "output", "target", "logs", "*.duckdb*", ".env", "tests", "dist", "*.egg-info",
)  # fmt: skip

SECONDS_AT_MOST = 900


@dataclass(frozen=True)
class Ended:
    """How a program ended, and all it said."""

    code: int
    said: str


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: If it does not come true in time.
    """
    pause, end = Event(), monotonic() + seconds
    while not condition():
        if monotonic() > end:
            raise TimeoutError
        pause.wait(0.02)


class Checkout:
    """The copy, and the programs that run in it with next to nothing in their environment.

    Attributes:
        seconds: How long a program may take.
    """

    seconds: float = SECONDS_AT_MOST

    def __init__(self, path: Path) -> None:
        """Copy the working tree."""
        self.path = path
        shutil.copytree(ROOT, path, ignore=LEFT_OUT)

    @property
    def environment(self) -> dict[str, str]:
        """What a bare login shell has."""
        return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LANG": "C.UTF-8"}

    def bodies(self) -> set[Path]:
        """Return the responses that discovery has left for a run."""
        return set((self.path / ".meltano" / "run").rglob("*.body"))

    def start(self, *command: str, **settings: str) -> subprocess.Popen[str]:
        """Start a program in a process group of its own; its words come on one pipe."""
        return subprocess.Popen(
            command,
            cwd=self.path,
            env={**self.environment, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, **settings: str) -> Ended:
        """Run a program to its end."""
        with self.start(*command, **settings) as process:
            said, _ = process.communicate(timeout=self.seconds)
        return Ended(process.returncode, said)

    def make(self, goal: str) -> tuple[str, ...]:
        """Give the command that makes a goal, with the Python that runs the tests."""
        return ("make", goal, f"PYTHON={Path(sys.base_prefix, 'bin', 'python3')}")

    def meltano(self, *arguments: str) -> tuple[str, ...]:
        """Give a command of the copy's Meltano."""
        return (str(self.path / ".venv" / "bin" / "meltano"), *arguments)

    def rows(self, database: Path, query: str) -> list[tuple[Any, ...]]:
        """Ask a DuckDB file."""
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def processes(self) -> list[str]:
        """Give the command lines of all processes that run a program of the copy."""
        lines = [" ".join(process.info["cmdline"] or []) for process in process_iter(["cmdline"])]
        return [line for line in lines if str(self.path) in line]


def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty folder, at one path for all: dbt parses the project anew for another one."""
    path = tmp_path_factory.getbasetemp() / "of one test"
    if path.exists():
        shutil.rmtree(path)
    path.mkdir()
    return path


def settings_for(server: Sandbox, **more: str) -> Mapping[str, str]:
    """Give the environment that leads the taps to a sandbox."""
    credentials = server.credentials
    return {
        "TAP_KANANAS_API_URL": server.kananas_url,
        "TAP_KANANAS_SECRET_KEY": credentials.kananas_token,
        "TAP_KIZEN_API_URL": server.kizen_url,
        "TAP_KIZEN_API_KEY": credentials.kizen_api_key,
        "TAP_KIZEN_USER_ID": credentials.kizen_user_id,
        "TAP_KIZEN_BUSINESS_ID": credentials.kizen_business_id,
        # What the pace is for has tests of its own.
        "TAP_KANANAS_RATE_LIMIT": "1000",
        "TAP_KIZEN_RATE_LIMIT": "1000",
        **more,
    }
