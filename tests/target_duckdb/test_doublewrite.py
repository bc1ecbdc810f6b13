"""Killed while DuckDB overwrites its catalogue: the file opens, with all that was committed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest

from target_duckdb.doublewrite import Doublewrite, connected, copy_of, restore
from tests.target_duckdb.helpers import files, lines, load, query, record, schema, state

if TYPE_CHECKING:
    from pathlib import Path

ID = {"id": {"type": "integer"}}
NAME = "test.duckdb"
HEADERS = 12_288
BLOCK = 262_144
PAGE = 4096

KILLED = """
import os, signal
from target_duckdb.database import Database
from target_duckdb.target import TargetDuckDB

Database._move_log = lambda self: os.kill(os.getpid(), signal.SIGKILL)
TargetDuckDB.cli()
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as it is when a loader dies between its commit and the checkpoint."""
    folder = tmp_path_factory.mktemp("killed")
    load(folder / NAME, [schema(ID, ["id"]), record({"id": 1})])
    config = folder / "config.json"
    config.write_text(json.dumps({"path": str(folder / NAME)}))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, "--config", str(config)],
        input=lines([schema(ID, ["id"]), record({"id": 2}), state(2)]),
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    config.unlink()
    for left in folder.glob(".target-duckdb-*"):
        shutil.rmtree(left)
    assert files(folder) == [NAME, f"{NAME}.doublewrite", f"{NAME}.wal"]
    return folder


@pytest.fixture
def database(killed: Path, tmp_path: Path) -> Path:
    """A copy of that folder's file, with what lies beside it."""
    return shutil.copytree(killed, tmp_path / "copy") / NAME


def tear(database: Path, pages: int) -> None:
    """Let a checkpoint write so many pages of the first block that it overwrites."""
    after = shutil.copytree(database.parent, database.parent.with_name("after")) / NAME
    duckdb.connect(str(after)).close()
    old, new = database.read_bytes(), after.read_bytes()
    place = next(
        place
        for place in range(HEADERS, len(old), BLOCK)
        if old[place : place + BLOCK] != new[place : place + BLOCK]
    )
    with database.open("r+b") as file:
        file.seek(place)
        file.write(new[place : place + pages * PAGE])


@pytest.mark.parametrize("pages", [1, 2])
def test_a_torn_block_is_put_back(database: Path, pages: int) -> None:
    tear(database, pages)
    with pytest.raises(duckdb.Error, match="checksum"):
        duckdb.connect(str(database))
    load(database, [schema(ID, ["id"]), record({"id": 3})])
    assert query(database, "SELECT id FROM items ORDER BY id") == [(1,), (2,), (3,)]
    assert files(database.parent) == [NAME]


def test_it_is_put_back_for_who_reads(database: Path) -> None:
    tear(database, 1)
    with connected(str(database), read_only=True, config={}) as connection:
        assert connection.execute("SELECT id FROM items ORDER BY id").fetchall() == [(1,), (2,)]
    assert files(database.parent) == [NAME, f"{NAME}.wal"]


def test_a_link_leads_to_the_same_copy(database: Path, tmp_path: Path) -> None:
    tear(database, 1)
    link = tmp_path / "link.duckdb"
    link.symlink_to(database)
    assert restore(link)
    assert not copy_of(database).exists()


def test_after_a_checkpoint_nothing_is_put_back(database: Path) -> None:
    duckdb.connect(str(database)).close()
    whole = database.read_bytes()
    assert not restore(database)
    assert database.read_bytes() == whole
    assert files(database.parent) == [NAME]


@pytest.mark.parametrize("length", [0, 20, HEADERS + 30, HEADERS + 100, -BLOCK, -1])
def test_of_a_copy_that_is_cut_off_nothing_is_taken(database: Path, length: int) -> None:
    copy = copy_of(database)
    copy.write_bytes(copy.read_bytes()[:length])
    before = database.read_bytes()
    assert not restore(database)
    assert database.read_bytes() == before
    assert not copy.exists()


def test_a_file_that_is_open_is_let_alone(database: Path) -> None:
    hold = f"""
import fcntl, sys
with open({str(database)!r}, "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_SH)
    print(flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert not restore(database)
        assert copy_of(database).exists()
        holder.communicate()
    restore(database)
    assert not copy_of(database).exists()


def test_the_lock_stays_until_the_file_is_detached(database: Path) -> None:
    """POSIX ends it with any descriptor of the file that is closed."""
    attempt = f"import duckdb; duckdb.connect({str(database)!r})"
    with connected(str(database), read_only=False, config={}):
        done = subprocess.run(
            [sys.executable, "-c", attempt], capture_output=True, text=True, check=False
        )
        assert "Could not set lock" in done.stderr


def test_who_may_read_the_copy_may_read_the_file(database: Path) -> None:
    database.chmod(0o600)
    with connected(str(database), read_only=False, config={}) as connection:
        assert copy_of(database).stat().st_mode & 0o777 == 0o600
        assert connection.execute("SELECT count(*) FROM items").fetchall() == [(2,)]


def test_each_block_that_a_checkpoint_overwrites_is_in_the_copy(tmp_path: Path) -> None:
    """The catalogue of many columns takes several blocks; whole ones are not written again."""
    path = tmp_path / NAME
    columns = ", ".join(f"range + {number} AS c{number}" for number in range(250))
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE wide AS SELECT {columns} FROM range(130_000)")
    saved = Doublewrite(path)
    for number in range(4):
        before = path.read_bytes()
        saved.open()
        with duckdb.connect(str(path)) as connection:
            query = "SELECT block_id, free_blocks FROM pragma_metadata_info()"
            blocks = dict(connection.execute(query).fetchall())
            saved.save(connection)
            connection.execute(f"UPDATE wide SET c{number} = 0 WHERE c0 % 1000 = 0")
            connection.execute(f"CREATE TABLE t{number} AS SELECT * FROM wide LIMIT 1000")
            copy = copy_of(path).read_bytes()
        after = path.read_bytes()
        changed = {
            place
            for place in range(HEADERS, len(before), BLOCK)
            if before[place : place + BLOCK] != after[place : place + BLOCK]
        }
        overwritten = changed & {HEADERS + block * BLOCK for block in blocks}
        assert len(blocks) > 1
        assert overwritten
        assert all(before[place : place + BLOCK] in copy for place in overwritten)
        saved.close()
