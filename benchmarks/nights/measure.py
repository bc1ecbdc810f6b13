"""What a night costs, step by step: `.venv-dev/bin/python -m benchmarks.nights.measure`.

Runs `refresh` over a sandbox of a chosen size: once to read everything, several times where nothing
has changed, once after somebody has registered, and once so with Kananas alone. Prints the seconds
of each step, and of processor time. `--before COMMIT` does the same with the programs of another
commit, over the same sandbox, so both meet the same load of the machine; one that has no `refresh`
runs `meltano run elt`, of which only dbt's own seconds are told. `--held` adds how long dbt waits
for a file that another program holds.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
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

import duckdb
import psutil

from tools.demo.processes import sandbox
from tools.demo.report import table
from tools.demo.settings import ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

#: Of Linux: processes whose parent has ended become children of this one.
_PR_SET_CHILD_SUBREAPER = 36
#: What dbt says of a run.
DBT_SECONDS = re.compile(r"Finished running .* \(([0-9.]+)s\)")
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
                    label: _nights(project, folder / label, facts, given.nights, held=given.held)
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
    parser.add_argument("--held", action="store_true", help="wait for a held file, too")
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


def _nights(
    project: Path, folder: Path, facts: dict[str, Any], count: int, *, held: bool
) -> dict[str, Night]:
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
    if held:
        found["the file is held, dbt alone"] = _held(project, settings)
    shutil.rmtree(folder)
    return found


def _register(facts: dict[str, Any]) -> None:
    """Let a contact be new."""
    with urlopen(facts["registration_url"], urlencode(CONTACT).encode()):  # noqa: S310 - the sandbox's
        pass


def _night(project: Path, settings: Mapping[str, str]) -> Night:
    """Run `refresh` once, or what did so before there was one.

    Raises:
        CalledProcessError: It failed.
    """
    programs = project / ".venv" / "bin"
    if not (programs / "refresh").exists():
        is_alone = "REFRESH_SOURCES" in settings
        jobs = [settings["REFRESH_SOURCES"], "transform"] if is_alone else ["elt"]
        night, said = _run([programs / "meltano", "run", *jobs], project, settings)
        night.steps["transform"] = sum(map(float, DBT_SECONDS.findall(said)))
        return night
    night, _ = _run([programs / "refresh"], project, settings)
    for line in Path(settings["DUCKDB_RUNS_PATH"]).read_text(encoding="utf-8").splitlines():
        value = json.loads(line)
        if value["kind"] == "start":
            night.steps.clear()
        elif value["kind"] == "step":
            night.steps[value["step"]] = value["seconds"]
    return night


def _run(
    command: list[Path | str], project: Path, settings: Mapping[str, str], *, fails: bool = False
) -> tuple[Night, str]:
    """Run a program to its end; return what it took, and what it said.

    Raises:
        CalledProcessError: It failed, or did not fail though it should.
    """
    # The server that forks Meltano ends after the run, and counts once it is waited for.
    others = {child.pid for child in psutil.Process().children()}
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    started, before = monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        cwd=project,
        # Without compiled modules kept, each program compiles them anew.
        env={**os.environ, **settings} | {"PYTHONDONTWRITEBYTECODE": ""},
        check=not fails,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if fails and done.returncode == 0:
        raise subprocess.CalledProcessError(0, command, done.stdout)
    seconds = monotonic() - started
    psutil.wait_procs([each for each in psutil.Process().children() if each.pid not in others])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Night(seconds, processor), done.stdout


def _held(project: Path, settings: Mapping[str, str]) -> Night:
    """Return what the job `transform` takes until it gives up, while the file is held."""
    command: list[Path | str] = [project / ".venv" / "bin" / "meltano", "run", "transform"]
    with duckdb.connect(settings["DUCKDB_PATH"]):
        night, _ = _run(command, project, settings, fails=True)
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
