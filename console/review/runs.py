"""A run that brings decisions into the tables: `meltano run transform`, one at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

from console.decisions.decision import now


@dataclass(frozen=True)
class State:
    """The last run: since when it runs, or how it ended."""

    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None


class Runs:
    """Starts runs. What they say goes to the terminal of the page, as it would without it."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Take the command, empty where there is none, the folder of the project, and variables."""
        self._command = list(command)
        self._folder = folder
        self._environment = {**os.environ, **(environment or {})}
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.state: State | None = None

    @property
    def can_start(self) -> bool:
        """Whether there is a command to run."""
        return bool(self._command)

    @property
    def is_running(self) -> bool:
        """Whether a run is going on."""
        return self.state is not None and self.state.ended_at is None

    def start(self) -> bool:
        """Start a run; False where there is no command, or one is going on."""
        with self._lock:
            if not self._command or self.is_running:
                return False
            started = State(now())
            # Meltano writes settings into it; where it is missing, Meltano lets anybody read.
            (self._folder / ".meltano").mkdir(mode=0o700, exist_ok=True)
            self._process = subprocess.Popen(  # noqa: S603 - the project's own command
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
            )
            self.state = started
        threading.Thread(target=self._wait, args=(self._process, started), daemon=True).start()
        return True

    def _wait(self, process: subprocess.Popen[bytes], started: State) -> None:
        exit_code = process.wait()
        self.state = State(started.started_at, now(), exit_code)


def command(project: Path) -> list[str]:
    """Return the command of a run: that of this environment, else of the path; or none."""
    if not (project / "meltano.yml").is_file():
        return []
    beside = Path(sys.executable).with_name("meltano")
    program = str(beside) if os.access(beside, os.X_OK) else shutil.which("meltano")
    return [program, "run", "transform"] if program else []
