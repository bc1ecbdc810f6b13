"""Killed while DuckDB overwrites its catalogue: the file opens, with all that was committed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest

from refresh.warehouse import wait
from target_duckdb.doublewrite import Doublewrite, connected, copy_of, restore
from target_duckdb.errors import TargetError
from target_duckdb.publish import main
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


def test_it_is_put_back_before_dbt_gets_the_file(database: Path) -> None:
    tear(database, 1)
    os.close(wait(str(database), 0, print))
    assert query(database, "SELECT id FROM items ORDER BY id") == [(1,), (2,)]


def test_it_is_put_back_where_its_writer_is_killed_as_it_is_attached(
    database: Path, tmp_path: Path
) -> None:
    """The file was locked when it was to be put back, and is not when it is attached."""
    path = tmp_path / "attached" / NAME

    def attach() -> duckdb.DuckDBPyConnection:
        if not path.exists():
            shutil.copytree(database.parent, path.parent)
        return duckdb.connect(str(path), read_only=True)

    tear(database, 1)
    with Doublewrite(path).attach(attach) as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchall() == [(2,)]


def test_a_copy_that_is_needed_is_never_written_over(database: Path) -> None:
    """DuckDB attaches a file without reading every block."""
    whole = database.read_bytes()
    with duckdb.connect(str(database)) as connection:
        tear(database, 1)
        assert database.read_bytes() != whole
        saved = Doublewrite(database)
        saved.save(connection)
        assert database.read_bytes() == whole
    saved.close()
    assert query(database, "SELECT id FROM items ORDER BY id") == [(1,), (2,)]


def test_all_is_put_back_where_the_system_writes_only_a_part(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, write = database.read_bytes(), os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, part, at: write(file, part[:5000], at))
    tear(database, 1)
    assert restore(database)
    assert database.read_bytes() == whole


def test_another_file_with_the_same_headers_is_let_alone(tmp_path: Path) -> None:
    """Before DuckDB 2, nothing is in them that tells files apart."""
    other, path = tmp_path / "other.duckdb", tmp_path / NAME
    for each, rows in ((other, 10), (path, 20)):
        with duckdb.connect(str(each)) as connection:
            connection.execute(f"CREATE TABLE items AS SELECT range AS id FROM range({rows})")
    with connected(str(other), read_only=False, config={}):
        shutil.copy(copy_of(other), copy_of(path))
    before = path.read_bytes()
    if duckdb.__version__ < "2":
        assert before[:HEADERS] == other.read_bytes()[:HEADERS]
    assert not restore(path)
    assert path.read_bytes() == before
    assert not copy_of(path).exists()


def test_a_link_in_the_place_of_the_copy_leads_to_no_write(database: Path, tmp_path: Path) -> None:
    copy_of(database).unlink()
    copy_of(database).symlink_to(tmp_path / "elsewhere")
    load(database, [schema(ID, ["id"]), record({"id": 3})])
    assert query(database, "SELECT id FROM items ORDER BY id") == [(1,), (2,), (3,)]
    assert not (tmp_path / "elsewhere").exists()


def test_a_copy_that_cannot_be_written_or_read_is_named(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_of(database).unlink()
    duckdb.connect(str(database)).close()
    with duckdb.connect(str(database)) as connection:
        copy_of(database).mkdir()
        with pytest.raises(duckdb.Error, match=r"cannot write .*\.duckdb\.doublewrite, .* whole"):
            Doublewrite(database).save(connection)
    with pytest.raises(TargetError, match=r"cannot put back from .*test\.duckdb\.doublewrite what"):
        load(database, [schema(ID, ["id"]), record({"id": 3})])
    assert main([str(database), str(database.parent / "published")]) == 1
    assert "cannot put back from" in capsys.readouterr().err
    copy_of(database).rmdir()
    assert query(database, "SELECT id FROM items ORDER BY id") == [(1,), (2,)]


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
    columns = ", ".join(f"range + {number} AS c{number}" for number in range(700))
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE wide AS SELECT {columns} FROM range(130_000)")
    saved = Doublewrite(path)
    for number in range(4):
        before = path.read_bytes()
        restore(path)
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
