"""Programs are run to their end, and what they take is theirs alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.building import PROJECT, dbt
from evaluation.processes import ProgramError, run

ROOT = Path(__file__).parents[2]
MUCH = 256 << 20
LITTLE = 64 << 20
"""Bytes: more than a Python without imports has, less than the tests themselves."""

BARE = (sys.executable, "-I", "-S", "-c")

INTERRUPTED = """
import pathlib, sys
from evaluation.processes import run
run([sys.executable, "-c", sys.argv[1]], pathlib.Path(sys.argv[2]))
"""
WAITS = "import os, signal; print(os.getpid(), flush=True); {}signal.pause()"
DEAF = "signal.signal(signal.SIGINT, signal.SIG_IGN); "


def test_memory_is_that_of_the_program(tmp_path: Path) -> None:
    own = bytearray(b"1") * MUCH
    small = run([*BARE, "pass"], tmp_path / "log")
    large = run([*BARE, f"x = bytearray(b'1') * {MUCH}"], tmp_path / "log")
    assert len(own) == MUCH
    assert small.peak_bytes < LITTLE
    assert MUCH < large.peak_bytes < MUCH + LITTLE


def test_processor_time_is_that_of_the_program(tmp_path: Path) -> None:
    code = "import time\nwhile time.process_time() < 0.5: pass"
    usage = run([*BARE, code], tmp_path / "log")
    assert 0.5 <= usage.processor_seconds <= usage.seconds


def test_what_a_program_prints_is_in_the_log(tmp_path: Path) -> None:
    code = (
        "import os, sys; print(os.environ['WORD'], flush=True); print('mistake', file=sys.stderr)"
    )
    run([*BARE, code], tmp_path / "log", {"WORD": "word"})
    assert (tmp_path / "log").read_text() == "word\nmistake\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*BARE, "raise SystemExit('mistake')"], "mistake"),
        ([*BARE, "raise SystemExit(3)"], "ended with 3"),
        ([*BARE, "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"], "ended with -15"),
        (["/nowhere/program"], "/nowhere/program cannot be started: No such file or directory"),
    ],
)
def test_a_failure_is_told(tmp_path: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        run(arguments, tmp_path / "log")


@pytest.mark.parametrize("deaf", ["", DEAF])
def test_an_interrupt_ends_the_program(tmp_path: Path, deaf: str) -> None:
    log = tmp_path / "log"
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, WAITS.format(deaf), str(log)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not (log.exists() and log.read_text().endswith("\n")):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(log.read_text().split()[0]), 0)


def test_dbt_reads_its_project_in_any_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = PROJECT / "dbt_project.yml"
    program = tmp_path / "dbt"
    program.write_text(f"#!{sys.executable} -S\nopen({str(project)!r}).read()\n")
    program.chmod(0o700)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONUTF8", "0")
    dbt([], tmp_path, executable=program)
