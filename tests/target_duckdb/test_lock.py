"""A database file that another process has open."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

import duckdb
import pytest

from target_duckdb.errors import DatabaseLockedError
from tests.target_duckdb.helpers import files, load, query, record, schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ID = {"id": {"type": "integer"}}
HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process keeps the file open for writing until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert cast("IO[bytes]", holder.stdout).readline() == b"held\n"
        yield holder
        cast("IO[bytes]", holder.stdin).close()
        holder.wait()


def test_the_holder_is_named_when_time_is_up(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    with held(path) as holder, pytest.raises(DatabaseLockedError) as caught:
        load(path, [schema(ID), record({"id": 1})], lock_timeout=0.2)
    text = str(caught.value)
    assert f"process {holder.pid} (" in text
    assert "waited 0.2 s (setting 'lock_timeout')" in text
    assert "\n" not in text
    assert files(tmp_path) == ["test.duckdb"]


def test_waits_until_the_file_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "test.duckdb"
    caplog.set_level("INFO", "target-duckdb")
    with held(path) as holder:
        waits: list[float] = []

        def let_go(seconds: float) -> None:
            # The target has found the file locked and is about to wait: now the other lets go.
            waits.append(seconds)
            if len(waits) == 1:
                cast("IO[bytes]", holder.stdin).close()
                holder.wait()

        monkeypatch.setattr("target_duckdb.database.time.sleep", let_go)
        load(path, [schema(ID), record({"id": 1})], lock_timeout=60)
    assert query(path, "SELECT id FROM items") == [(1,)]
    assert len(waits) == 1
    assert f"locked by process {holder.pid}" in caplog.text


def test_a_reader_locks_too(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema(ID)])
    hold = HOLD.replace("sys.argv[1]", "sys.argv[1], read_only=True")
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert cast("IO[bytes]", reader.stdout).readline() == b"held\n"
        with pytest.raises(DatabaseLockedError, match=f"process {reader.pid}"):
            load(path, [schema(ID), record({"id": 1})], lock_timeout=0)
        cast("IO[bytes]", reader.stdin).close()
        reader.wait()
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (0,)
