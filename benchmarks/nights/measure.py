"""What a night costs, step by step: `.venv-dev/bin/python -m benchmarks.nights.measure`.

Runs `refresh` over a sandbox of a chosen size: once to read everything, several times where nothing
has changed, once after somebody has registered, and once so with Kananas alone. Prints the seconds
of each step, and of processor time. `--before COMMIT` does the same with the programs of another
commit, over the same sandbox, so both meet the same load of the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from urllib.request import urlopen

from tools.demo.processes import sandbox
from tools.demo.report import table
from tools.demo.settings import ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

STEPS = ("kananas", "kizen", "transform", "publish", "report")
CONTACT = {"first_name": "Zoé", "last_name": "Nuit", "email": "zoe@nuit.example"}


@dataclass
class Night:
    """What a run took.

    Attributes:
        seconds: From start to end.
        processor: Seconds of processor time of the run and all that it started.
        steps: Seconds of each step.
    """

    seconds: float
    processor: float
    steps: dict[str, float] = field(default_factory=dict)


def main() -> int:
    """Measure, and print.

    Returns:
        0; 1 where a run failed.
    """
    given = _parser().parse_args()
    sizes = [f"--scale={given.scale}"]
    sizes += [f"--contacts={given.contacts}"] if given.contacts else []
    sizes += [f"--companies={given.companies}"] if given.companies else []
    with tempfile.TemporaryDirectory(prefix="nights-") as name:
        folder = Path(name)
        with (
            sandbox(ROOT, folder / "sandbox.log", "--warm", *sizes) as facts,
            _projects(given.before, folder) as projects,
        ):
            print(f"{facts['contacts']:,} contacts, {facts['kizen']['companies']:,} companies")
            try:
                measured = {
                    label: _nights(project, folder / label, facts, given.nights)
                    for label, project in projects.items()
                }
            except subprocess.CalledProcessError as error:
                sys.stderr.write(f"{error.stdout}\n{error}\n")
                return 1
    _print(measured)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks.nights.measure", description="Measure nights in which nothing changed."
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 2,000 contacts")
    parser.add_argument("--contacts", type=int, help="how many, whatever the scale")
    parser.add_argument("--companies", type=int, help="how many, whatever the scale")
    parser.add_argument("--nights", type=int, default=3, help="nights in which nothing changes")
    parser.add_argument("--before", metavar="COMMIT", help="measure this commit first")
    return parser


@contextmanager
def _projects(before: str | None, folder: Path) -> Iterator[dict[str, Path]]:
    """Yield the folders of the projects to measure, by label."""
    if before is None:
        yield {"now": ROOT}
        return
    path = folder / "before-checkout"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", path, before], check=True)
    try:
        print(f"Setting up {before} …", flush=True)
        subprocess.run(
            [shutil.which("make") or "make", "setup"],
            cwd=path,
            check=True,
            capture_output=True,
            text=True,
        )
        yield {"before": path, "now": ROOT}
    finally:
        subprocess.run([*git, "remove", "--force", path], check=True)


def _nights(project: Path, folder: Path, facts: dict[str, Any], count: int) -> dict[str, Night]:
    """Return the nights of a project, by what happened in them."""
    folder.mkdir()
    settings = {
        **environment(facts),
        "MELTANO_ENVIRONMENT": "demo",
        "DUCKDB_PATH": str(folder / "warehouse.duckdb"),
        "DUCKDB_PUBLISH_DIR": str(folder / "published"),
        "DUCKDB_RUNS_PATH": str(folder / "runs.jsonl"),
        "MELTANO_DATABASE_URI": f"sqlite:///{folder / 'meltano.db'}",
    }
    found = {"everything is read": _night(project, settings)}
    quiet = [_night(project, settings) for _ in range(count)]
    found["nothing has changed"] = _median(quiet)
    _register(facts)
    found["a contact is new"] = _night(project, settings)
    # As after a webhook.
    _register(facts)
    found["the same, Kananas alone"] = _night(project, {**settings, "REFRESH_SOURCES": "kananas"})
    shutil.rmtree(folder)
    return found


def _register(facts: dict[str, Any]) -> None:
    """Let a contact be new."""
    with urlopen(facts["registration_url"], urlencode(CONTACT).encode()):  # noqa: S310 - the sandbox's
        pass


def _night(project: Path, settings: Mapping[str, str]) -> Night:
    """Run `refresh` once.

    Raises:
        CalledProcessError: It failed.
    """
    started, before = monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [project / ".venv" / "bin" / "refresh"],
        cwd=project,
        # Without compiled modules kept, each program compiles them anew.
        env={**os.environ, **settings} | {"PYTHONDONTWRITEBYTECODE": ""},
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    seconds, after = monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    night = Night(seconds, processor)
    for line in Path(settings["DUCKDB_RUNS_PATH"]).read_text(encoding="utf-8").splitlines():
        value = json.loads(line)
        if value["kind"] == "start":
            night.steps.clear()
        elif value["kind"] == "step":
            night.steps[value["step"]] = value["seconds"]
    return night


def _median(nights: list[Night]) -> Night:
    return Night(
        statistics.median(night.seconds for night in nights),
        statistics.median(night.processor for night in nights),
        {step: statistics.median(night.steps.get(step, 0.0) for night in nights) for step in STEPS},
    )


def _print(measured: dict[str, dict[str, Night]]) -> None:
    rows = []
    for what in next(iter(measured.values())):
        for label, nights in measured.items():
            night = nights[what]
            steps = [f"{night.steps.get(step, 0.0):.1f}" for step in STEPS]
            rows.append([what, label, *steps, f"{night.seconds:.1f}", f"{night.processor:.1f}"])
    print("\nSeconds:")
    print(table(["night", "programs", *STEPS, "whole", "processor"], rows))


if __name__ == "__main__":
    sys.exit(main())
