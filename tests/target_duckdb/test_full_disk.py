"""A disk without room for what DuckDB still has to write into its file."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, cast

import duckdb
import pytest

from target_duckdb.errors import CheckpointError
from target_duckdb.target import TargetDuckDB
from tests.target_duckdb.helpers import COMMAND, lines, load, query, record, schema, state

ID = {"id": {"type": "integer"}}
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)); "
KILLED_WRITER = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("SET checkpoint_threshold = '1GB'")
connection.execute("CREATE TABLE killed AS SELECT uuid() AS id FROM range(100_000)")
os._exit(1)
"""


ROOM = [50, 150, 290, 480, 940]
"""Kilobytes of a disk beyond those of the file."""

ON_A_SMALL_DISK = """
disk=$1 size=$2; shift 2
mount -t tmpfs -o "size=${size}k" tmpfs "$disk/on" && cp "$disk/test.duckdb" "$disk/on" || exit 9
"$@"; code=$?
cp "$disk"/on/test.duckdb* "$disk/after" && exit $code
"""
"""The program of the arguments on a disk of its own, and what it leaves copied from there."""


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with a log that does not fit into its file."""
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), record({"id": 1}), state(1)])
    subprocess.run([sys.executable, "-c", KILLED_WRITER, str(path)], check=False)
    return path


def run(code: str, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", LIMIT + code, *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=False)


def check(database: Path, done: subprocess.CompletedProcess[bytes], words: str) -> None:
    assert done.returncode == 1
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr
    last = done.stderr.decode().splitlines()[-1]
    assert words in last
    assert "File too large" in last
    # Once there is room, all of it is there.
    assert query(database, "SELECT count(*) FROM killed") == [(100_000,)]
    assert query(database, "SELECT id FROM main.items") == [(1,)]


def test_the_loader_says_it_in_one_line(database: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"path": str(database)}))
    messages = lines([schema(ID, ["id"]), record({"id": 2}), state(1)])
    done = run(COMMAND[-1], "--config", str(config), given=messages)
    # Before 1.5 DuckDB notices at the commit, and not as late as the file is closed.
    check(database, done, f'file "{database}')


def test_duckdb_publish_says_it_in_one_line(database: Path, tmp_path: Path) -> None:
    code = "import sys; from target_duckdb.publish import main; sys.exit(main())"
    done = run(code, str(database), str(tmp_path / "published"))
    check(database, done, f"cannot write to the database {database}")
    assert not list((tmp_path / "published").iterdir())


def test_what_is_committed_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID, ["id"]), record({"id": 1}), state(1)])
    target = TargetDuckDB(config={"path": str(path)})
    detach = target.database._detach  # noqa: SLF001

    def fail() -> None:
        msg = 'IO Error: Could not write file "x": No space left on device'
        raise duckdb.IOException(msg)

    monkeypatch.setattr(target.database, "_detach", fail)
    messages = lines([schema(ID, ["id"]), record({"id": 2}), state(2)])
    with pytest.raises(CheckpointError, match=r"rows are committed, .*No space left"):
        target.listen(cast("IO[str]", io.BytesIO(messages)))
    assert capsys.readouterr().out == "2\n"
    detach()
    target.close()
    assert query(path, "SELECT id FROM items ORDER BY id") == [(1,), (2,)]


@pytest.mark.skipif(not may_mount(), reason="no file system may be mounted here")
def test_on_a_full_disk_the_last_line_says_what_is_in_the_file(tmp_path: Path) -> None:
    """DuckDB moves its log within the commit here: it may fail when the rows are committed."""
    rows = [record({"id": n, "v": f"{n:040}"}) for n in range(6_000)]
    begin = schema({**ID, "v": {"type": "string"}}, ["id"])
    load(tmp_path / "test.duckdb", [begin, *rows[:5_000]])
    given = lines([begin, *rows[5_000:], state(2)])
    (tmp_path / "on").mkdir()
    options = {"checkpoint_threshold": "1KB"}
    settings = {"path": str(tmp_path / "on/test.duckdb"), "settings": options}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    ends = set()
    kilobytes = (tmp_path / "test.duckdb").stat().st_size >> 10
    for size in (kilobytes + room for room in ROOM):
        after = tmp_path / "after"
        after.mkdir()
        command = [*COMMAND, "--config", str(tmp_path / "config.json")]
        alone = ["unshare", "-Urm", "sh", "-c", ON_A_SMALL_DISK, "sh", str(tmp_path), str(size)]
        done = subprocess.run([*alone, *command], input=given, capture_output=True, check=False)
        last = done.stderr.decode().splitlines()[-1]
        assert done.returncode in {0, 1}, last
        assert b"Traceback" not in done.stderr
        is_said = done.returncode == 0 or "the rows are committed" in last
        assert done.stdout == (b"2\n" if is_said else b"")
        count = query(after / "test.duckdb", "SELECT count(*) FROM main.items")
        assert count == [(6_000 if is_said else 5_000,)], last
        ends.add((done.returncode, is_said))
        shutil.rmtree(after)
    assert {(0, True), (1, False)} <= ends
    if duckdb.__version__ >= "1.5":  # before, nothing is committed where the log is not moved
        assert (1, True) in ends


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no file that is always full")
def test_a_state_that_cannot_be_passed_on_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    (tmp_path / "config.json").write_text(json.dumps({"path": str(path)}))
    command = [*COMMAND, "--config", str(tmp_path / "config.json")]
    given = lines([schema(ID, ["id"]), record({"id": 1}), state(1)])
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, input=given, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    words = "the rows are committed, but their STATE cannot be passed on: No space left on device"
    assert done.stderr.decode().splitlines()[-1].endswith(words)
    assert query(path, "SELECT id FROM items") == [(1,)]
