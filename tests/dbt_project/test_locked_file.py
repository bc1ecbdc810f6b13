"""A DuckDB file that another process has open."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from refresh.dbt_wait import DEFAULT_SECONDS
from tests.dbt_project.project import FOLDERS, ROOT, VARIABLES, WITHOUT_ARTIFACTS
from tests.warm_dbt import DBT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from tests.dbt_project.project import Project

HOLD = """
import sys, duckdb
with duckdb.connect(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
# Says when dbt is about to wait, so that the file is let go after an attempt has failed.
ANNOUNCE_WAITS = """
import time
def announced(seconds, sleep=time.sleep):
    print("waits", seconds, flush=True)
    sleep(seconds)
time.sleep = announced
"""
# Stands where dbt would: tells whether another process can open the file meanwhile.
NEXT = """
import subprocess, sys
code = "import sys, duckdb; duckdb.connect(sys.argv[1])"
done = subprocess.run([sys.argv[1], "-c", code, sys.argv[2]], stderr=subprocess.PIPE, text=True)
print(done.returncode, done.stderr)
"""
#: Seconds that Python needs to start, on a machine with much to do.
START = 15
SEED = ("seed", "--select", "public_suffixes")


@contextmanager
def held(database: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the file open until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
    assert holder.returncode == 0


def test_dbt_waits_until_the_file_is_free(project: Project, database: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(ANNOUNCE_WAITS, encoding="utf-8")
    with (
        held(database) as holder,
        project.start(database, *SEED, PYTHONPATH=str(tmp_path)) as dbt,
    ):
        assert dbt.stdout is not None
        assert any(line.startswith("waits 1") for line in dbt.stdout)
        holder.communicate()
        output = dbt.stdout.read()
    assert dbt.returncode == 0, output


def test_dbt_says_so_when_the_file_stays_locked(project: Project, database: Path) -> None:
    with held(database) as holder:
        run = project.run(database, *SEED, DBT_CONNECT_ATTEMPTS="1")
        holder.communicate()
    assert run.exit_code != 0
    # As README.md says: in the last line, below a traceback.
    last = run.output.rstrip().splitlines()[-1]
    assert "Could not set lock on file" in last
    assert database.name in last
    assert f"(PID {holder.pid})" in last


@dataclass(frozen=True)
class Waited:
    """A run of `dbt-wait` that has ended: who held the file, and after how many seconds."""

    exit_code: int | None
    output: str
    seconds: float
    holder: int


@pytest.fixture(scope="module", autouse=True)
def whole_wait(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Future[Waited]]]:
    """A file that stays held, and the wait for it; it goes on while other tests run."""
    file = tmp_path_factory.mktemp("held") / "warehouse.duckdb"

    def wait() -> Waited:
        with held(file) as holder:
            started = monotonic()
            with dbt_wait(project, file, "build", *FOLDERS) as dbt:
                output, _ = dbt.communicate()
            seconds = monotonic() - started
            holder.communicate()
        return Waited(dbt.returncode, output, seconds, holder.pid)

    with ThreadPoolExecutor() as threads:
        yield file, threads.submit(wait)


def dbt_wait(
    project: Project, database: Path, *arguments: str, **more: str
) -> subprocess.Popen[str]:
    """Start dbt as Meltano does, by the program that waits for the file."""
    return subprocess.Popen(
        [str(DBT.with_name("python")), "-m", "refresh.dbt_wait", *arguments],
        cwd=project.checkout,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(project.checkout),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "DUCKDB_PATH": str(database),
            **WITHOUT_ARTIFACTS,
            **more,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_file_is_waited_for_before_dbt_starts(project: Project, database: Path) -> None:
    parsed = project.parsed_already(database, *SEED)
    with held(database) as holder, dbt_wait(project, database, *SEED, *FOLDERS, **parsed) as dbt:
        assert dbt.stdout is not None
        line = dbt.stdout.readline()
        assert line.startswith("dbt-wait: Waiting for the database file, held by process ")
        assert f"process {holder.pid} (" in line
        holder.communicate()
        output = dbt.stdout.read()
    assert dbt.returncode == 0, output
    assert "Completed successfully" in output


def test_a_missing_file_or_folder_ends_at_once(project: Project, database: Path) -> None:
    for missing in (database, database / "no" / "folder.duckdb"):
        started = monotonic()
        with dbt_wait(project, missing, "docs", "generate", *FOLDERS) as dbt:
            output, _ = dbt.communicate()
        assert monotonic() - started < START
        assert dbt.returncode == 1
        assert output == (
            f"dbt-wait: there is no database file {missing}: run `make refresh`, which loads one\n"
        )


def test_what_needs_no_file_runs_without_one(project: Project, database: Path) -> None:
    with dbt_wait(project, database, "--version") as dbt:
        output, _ = dbt.communicate()
    assert dbt.returncode == 0, output
    assert "dbt-duckdb" in output or "duckdb:" in output


def test_nobody_else_can_open_the_file_while_dbt_starts(database: Path, tmp_path: Path) -> None:
    with held(database) as holder:
        holder.communicate()
    next_program = tmp_path / "next.py"
    next_program.write_text(NEXT, encoding="utf-8")
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" "{next_program}" "{sys.executable}" "$DUCKDB_PATH"\n',
        encoding="utf-8",
    )
    python.chmod(0o700)
    code = (
        "import sys; from refresh.dbt_wait import main;"
        f"sys.executable = {str(python)!r}; sys.argv[1:] = ['build']; main()"
    )
    environment = {**os.environ, "DUCKDB_PATH": str(database)}
    started = subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with started:
        output, _ = started.communicate()
    assert output.startswith("1 "), output
    assert "Could not set lock on file" in output
    assert f"(PID {started.pid})" in output


def test_dbt_has_the_accounts_own_variables(project: Project, seeded: Path, tmp_path: Path) -> None:
    own = tmp_path / "vars.yml"
    settings = {
        "DUCKDB_VARS_PATH": str(own),
        "DBT_PROJECT_DIR": str(project.checkout / "dbt_project"),
    }
    lines = (f"{name}: {json.dumps(value)}\n" for name, value in VARIABLES.items())
    own.write_text("".join(lines), encoding="utf-8")
    query = ("compile", "--inline", "select {{ var('link_bands_prior') }} as prior", *FOLDERS)
    settings |= project.parsed_already(seeded, "--vars", json.dumps(VARIABLES))
    with dbt_wait(project, seeded, *query, **settings) as dbt:
        output, _ = dbt.communicate()
    assert dbt.returncode == 0, output
    assert "select 50 as prior" in output
    own.write_text("link_margn: 77\n", encoding="utf-8")
    with dbt_wait(project, seeded, *query, **settings) as dbt:
        output, _ = dbt.communicate()
    assert dbt.returncode == 2
    assert output == (
        f"dbt-wait: {own}, line 1: there is no variable link_margn: did you mean link_margin?\n"
    )


def test_the_whole_wait_at_the_default_is_as_said(
    whole_wait: tuple[Path, Future[Waited]],
) -> None:
    """The last test of the file: those before it run in the meantime."""
    file, wait = whole_wait
    waited = wait.result()
    assert DEFAULT_SECONDS == 60  # as README.md says
    assert DEFAULT_SECONDS <= waited.seconds < DEFAULT_SECONDS + START
    assert waited.exit_code == 1
    *progress, last = waited.output.splitlines()
    assert re.fullmatch(
        rf"dbt-wait: the database file {re.escape(str(file))} is held by process {waited.holder} "
        r"\(.+\); waited 60 s: close it and run again",
        last,
    )
    assert len(progress) == DEFAULT_SECONDS / 10
    assert all(": Waiting for the database file, held by " in line for line in progress)
