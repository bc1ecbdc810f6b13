"""What happened: a file of JSON lines, one for each thing that began or ended.

It is written before anything else is done with a result, and apart from the DuckDB file, which may
be what has failed. dbt makes tables of it.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

DONE, FAILED, INTERRUPTED, SKIPPED = "done", "failed", "interrupted", "skipped"

#: When the file is larger, its older half goes.
LARGEST = 4_000_000

#: What the loader did to the rows of tables, as lines of streams and of steps have it.
CHANGES = ("rows_inserted", "rows_updated", "rows_deleted")

#: How long after a step's start Meltano may write down that it runs.
_MELTANO_STARTS = timedelta(minutes=1)

Line = dict[str, Any]


def now() -> str:
    """Return the time as the file of runs has it: ISO 8601, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass
class Run:
    """A run as the file tells it.

    Attributes:
        end: Its last line; None where it goes on, or was killed.
        open_step: The line of the step that was going on when the file was written last.
    """

    run_id: str
    started_at: str
    steps: list[Line] = field(default_factory=list)
    streams: list[Line] = field(default_factory=list)
    end: Line | None = None
    open_step: Line | None = None


class History:
    """The file of runs."""

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        """Take the path of the file, which need not exist, and the bytes it may have."""
        self.path = path
        self._largest = largest

    def append(self, kind: str, **fields: object) -> None:
        """Add a line; it is on the disk when this returns.

        Raises:
            OSError: It cannot be written.
        """
        line = json.dumps({"kind": kind, **fields}, ensure_ascii=False) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = "\n" + line  # the line before was cut off
            content = line.encode()
            if os.write(descriptor, content) < len(content):
                os.ftruncate(descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rotate(self) -> None:
        """Let the older half go where the file has become too large.

        Raises:
            OSError: It cannot be written.
        """
        if not self.path.is_file() or self.path.stat().st_size <= self._largest:
            return
        whole = self.path.read_bytes()
        # From the start of a run on.
        start = whole.find(b'\n{"kind": "start"', len(whole) // 2)
        kept = whole[start + 1 :] if start >= 0 else b""
        temporary = self.path.with_name(f".{self.path.name}.writing")
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(kept)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(self.path)

    def lines(self) -> Iterator[Line]:
        """Yield what the file says; a line that a kill has cut off is left out."""
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        for line in text.split("\n"):
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict) and isinstance(value.get("run_id"), str):
                yield value

    def runs(self) -> list[Run]:
        """Return all runs, the oldest first."""
        runs: dict[str, Run] = {}
        for line in self.lines():
            run_id, kind = line["run_id"], line.get("kind")
            if kind == "start":
                runs[run_id] = Run(run_id, str(line.get("started_at", "")))
            elif run_id in runs:
                _add(runs[run_id], str(kind), line)
        return list(runs.values())


def _add(run: Run, kind: str, line: Line) -> None:
    if kind == "step_start":
        run.open_step = line
    elif kind == "step":
        run.steps.append(line)
        run.open_step = None
    elif kind == "stream":
        run.streams.append(line)
    elif kind == "end":
        run.end = line


def told_changes(line: Mapping[str, Any]) -> str:
    """Return in words what the loader did to the rows of tables; empty where it did nothing."""
    return ", ".join(
        f"{line[name]:,} {name.removeprefix('rows_')}"
        for name in CHANGES
        if isinstance(line.get(name), int) and line[name]
    )


def last_of_step(runs: list[Run], step: str) -> Line | None:
    """Return the newest line of a step."""
    lines = (line for run in reversed(runs) for line in reversed(run.steps))
    return next((line for line in lines if line.get("step") == step), None)


def was_killed(runs: list[Run], step: str, since: str) -> bool:
    """Return whether what Meltano takes for running is a step that was killed.

    Args:
        runs: The runs before.
        step: The name of the step.
        since: When Meltano wrote down that it runs, ISO 8601 in UTC; empty where it does not say.
    """
    return any(
        line.get("step") == step
        and line.get("result") == INTERRUPTED
        and _is_soon_after(since, str(line.get("started_at")))
        for run in runs
        for line in run.steps
    )


def _is_soon_after(moment: str, start: str) -> bool:
    try:
        passed = datetime.fromisoformat(moment[:19]) - datetime.fromisoformat(start[:19])
    except ValueError:
        return False
    return timedelta(0) <= passed <= _MELTANO_STARTS
