"""A DuckDB file that another process has open."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
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
