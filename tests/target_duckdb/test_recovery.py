"""Killed at any moment and run again: the table of an undisturbed run, and nothing left over."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from target_duckdb.staging import StagingDirectory, StagingFile
from tests.target_duckdb import killing
from tests.target_duckdb.helpers import (
    COMMAND,
    activate,
    files,
    lines,
    load,
    query,
    record,
    schema,
    state,
)

KILLS = 50
ROWS = 1_200
PROPERTIES = {"id": {"type": "integer"}, "v": {"type": "string"}, "o": {"type": "object"}}


def messages() -> list[Any]:
    """A load of every kind: keyed, of a new schema half-way, whole tables with and without keys."""
    result: list[Any] = [schema(PROPERTIES, ["id"])]
    for n in range(ROWS):
        result.append(record({"id": n % (ROWS - 100), "v": f"{n}", "o": {"n": [n]}}))
        if n % 250 == 249:
            result.append(state({"seen": n}))
        if n == ROWS // 2:
            result.append(schema({**PROPERTIES, "extra": {"type": "number"}}, ["id"]))
    for stream, keys in (("whole", ["id"]), ("keyless", [])):
        result.append(schema(PROPERTIES, keys, stream=stream))
        result += [record({"id": n, "v": "new"}, stream=stream, version=2) for n in range(300)]
        result += [activate(2, stream=stream), state({stream: 2})]
    return result


def before(path: Path) -> None:
    """What is in the database before the load: older versions of the whole tables."""
    older: list[Any] = [schema(PROPERTIES, ["id"]), record({"id": 1, "v": "old"})]
    for stream, keys in (("whole", ["id"]), ("keyless", [])):
        older.append(schema(PROPERTIES, keys, stream=stream))
        older += [record({"id": n, "v": "old"}, stream=stream, version=1) for n in range(200, 400)]
        older.append(activate(1, stream=stream))
    load(path, older, hard_delete=True)


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
            for (name,) in names
        }


CONFIG = {"hard_delete": True, "batch_size_rows": 400}
WHOLE_TABLES = ("whole", "keyless")


def kill_and_repeat(tmp_path: Path, plans: list[tuple[str, int]], data: bytes) -> list[int]:
    """Let every plan happen to a database of its own; return how the killed loads ended."""
    original = tmp_path / killing.DATABASE
    before(original)
    steps = []
    for number, (kind, point) in enumerate(plans):
        directory = tmp_path / str(number)
        directory.mkdir()
        shutil.copy(original, directory)
        steps.append({"directory": str(directory), "kind": kind, "point": point})
    (tmp_path / "messages").write_bytes(data)
    (tmp_path / "config").write_text(json.dumps(CONFIG))
    (tmp_path / "plans").write_text(json.dumps(steps))
    arguments = [str(tmp_path / name) for name in ("messages", "config", "plans")]
    done = subprocess.run(
        [sys.executable, "-m", killing.__name__, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-2000:]
    codes: list[int] = json.loads(done.stdout)
    return codes


def test_killed_at_fifty_points(tmp_path: Path) -> None:
    chance = random.Random(20_260_817)  # noqa: S311 (a test that can be repeated)
    data = lines(messages())
    plans = [(killing.AFTER_BYTES, chance.randrange(len(data))) for _ in range(KILLS - 25)]
    plans += [(killing.AFTER_STATES, chance.randrange(1, 4)) for _ in range(10)]
    plans += [(killing.IN_COMMIT, chance.randrange(1, 200)) for _ in range(15)]
    codes = kill_and_repeat(tmp_path, plans, data)

    undisturbed = tmp_path / "undisturbed.duckdb"
    shutil.copy(tmp_path / killing.DATABASE, undisturbed)
    old = content(undisturbed)
    load(undisturbed, messages(), **CONFIG)
    new = content(undisturbed)
    assert new != old

    # A load that was over before it could be killed proves nothing; few may be.
    assert codes.count(-signal.SIGKILL) >= KILLS * 0.9
    moments = set()
    for number in range(len(plans)):
        directory = tmp_path / str(number)
        found = content(directory / killing.DATABASE)
        assert found == new, plans[number]
        assert files(directory) == ["killed", killing.DATABASE]
        killed = directory / "killed"
        states = [json.loads(line) for line in (killed / "states").read_text().splitlines()]
        left = content(killed / killing.DATABASE)
        for name in WHOLE_TABLES:
            assert left[name] in (old[name], new[name])
        rows = {row[0]: int(row[1]) for row in left["items"] if row[1] != "old"}
        for one in states:
            assert all(
                rows.get(n % (ROWS - 100), -1) >= n for n in range(one.get("seen", -1) + 1)
            ), "a state was passed on for rows that are not there"
        moments.add(len(rows))
    assert len(moments) > 3, "all kills hit the same moment"


def test_leftovers_of_killed_runs_go_and_those_of_running_ones_stay(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    running = StagingDirectory(path)
    abandoned = tmp_path / ".target-duckdb-test.duckdb-abandoned"
    abandoned.mkdir()
    (abandoned / "0.ndjson").write_text("{}")
    other = tmp_path / ".target-duckdb-other.duckdb-abandoned"
    other.mkdir()
    load(path, [schema(PROPERTIES), record({"id": 1, "v": "x"})])
    assert files(tmp_path) == sorted([running.path.name, other.name, "test.duckdb"])
    running.close()
    assert not running.path.exists()


def test_private_files_are_private(tmp_path: Path) -> None:
    directory = StagingDirectory(tmp_path / "test.duckdb")
    assert directory.path.stat().st_mode & 0o777 == 0o700
    file = StagingFile(directory.path, "0.ndjson")
    file.add(b"{}\n", 1)
    file.write()
    assert file.path.stat().st_mode & 0o777 == 0o600
    directory.close()


SIGNALLED_WHILE_IMPORTING = """
import os, runpy, sys
class Signal:
    def find_spec(self, name, *others):
        if name == "singer_sdk":
            os.kill(os.getpid(), int(sys.argv.pop()))
sys.meta_path.insert(0, Signal())
runpy.run_module("target_duckdb", run_name="__main__")
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_all_else_is_one_line(signum: int) -> None:
    command = [sys.executable, "-c", SIGNALLED_WHILE_IMPORTING, str(int(signum))]
    done = subprocess.run(command, input=b"", capture_output=True, check=False)
    assert done.returncode == 128 + signum
    line = f"target-duckdb: ended by signal {signum:d}; nothing was loaded\n"
    assert done.stderr.decode() == line


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_and_leaves_nothing(tmp_path: Path, signum: int) -> None:
    path = tmp_path / "test.duckdb"
    (tmp_path / "config.json").write_text(json.dumps({"path": str(path), "batch_size_rows": 1}))
    with subprocess.Popen(
        [*COMMAND, "--config", str(tmp_path / "config.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as target:
        assert target.stdin is not None
        assert target.stdout is not None
        assert target.stderr is not None
        target.stdin.write(lines([schema(PROPERTIES), record({"id": 1, "v": "x"}), state(1)]))
        target.stdin.write(lines([record({"id": 2, "v": "y"})]))
        target.stdin.flush()
        assert target.stdout.readline() == b"1\n"
        target.send_signal(signum)
        errors = target.stderr.read()
        assert target.wait() == 128 + signum
    assert f"signal {signum:d}".encode() in errors
    assert b"Traceback" not in errors
    assert query(path, "SELECT id FROM items") == [(1,)]
    assert files(tmp_path) == ["config.json", "test.duckdb"]


#: Waits for messages while the system gives signals to another thread alone.
SIGNALLED_ELSEWHERE = """
import signal, sys, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
from target_duckdb.target import TargetDuckDB
TargetDuckDB.cli()
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_interrupts_no_read_ends_the_run(tmp_path: Path, signum: int) -> None:
    path = tmp_path / "test.duckdb"
    (tmp_path / "config.json").write_text(json.dumps({"path": str(path), "batch_size_rows": 1}))
    with subprocess.Popen(
        [sys.executable, "-c", SIGNALLED_ELSEWHERE, "--config", str(tmp_path / "config.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as target:
        assert target.stdin is not None
        assert target.stdout is not None
        target.stdin.write(lines([schema(PROPERTIES), record({"id": 1, "v": "x"}), state(1)]))
        target.stdin.flush()
        assert target.stdout.readline() == b"1\n"
        target.send_signal(signum)
        assert target.wait(timeout=60) == 128 + signum
