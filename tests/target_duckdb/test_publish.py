"""`duckdb-publish`: a copy that can always be opened, replaced in one step."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import IO, TYPE_CHECKING, cast

import duckdb
import pytest

from target_duckdb.publish import PublishError, main, publish
from tests.target_duckdb.helpers import files, query
from tests.target_duckdb.test_lock import held

if TYPE_CHECKING:
    from pathlib import Path

WRITE_AND_DIE = """
import os, signal, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("INSERT INTO numbers VALUES (99)")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "written" / "data.duckdb"
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE numbers AS SELECT 1 AS n")
        connection.execute("CREATE VIEW doubled AS SELECT 2 * n AS d FROM data.main.numbers")
    path.chmod(0o640)
    return path


def add(source: Path, number: int) -> None:
    with duckdb.connect(str(source)) as connection:
        connection.execute(f"INSERT INTO numbers VALUES ({number})")


def test_copy(source: Path, tmp_path: Path) -> None:
    copy = publish(source, tmp_path / "deep" / "published", 5)
    assert copy == tmp_path / "deep" / "published" / "data.duckdb"
    assert query(copy, "SELECT d FROM doubled") == [(2,)]
    assert copy.stat().st_mode & 0o777 == 0o640
    assert files(copy.parent) == ["data.duckdb"]
    assert query(source, "SELECT n FROM numbers") == [(1,)]


def test_an_open_reader_keeps_the_old_copy(source: Path, tmp_path: Path) -> None:
    copy = publish(source, tmp_path / "published", 5)
    with duckdb.connect(str(copy), read_only=True) as reader:
        add(source, 2)
        publish(source, tmp_path / "published", 5)
        assert reader.execute("SELECT sum(n) FROM numbers").fetchone() == (1,)
    assert query(copy, "SELECT sum(n) FROM numbers") == [(3,)]


def test_what_a_killed_writer_committed_is_in_the_copy(source: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(source)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert source.with_name("data.duckdb.wal").stat().st_size > 0
    copy = publish(source, tmp_path / "published", 5)
    assert query(copy, "SELECT sum(n) FROM numbers") == [(100,)]
    assert files(copy.parent) == ["data.duckdb"]


def test_the_log_of_an_old_copy_goes(source: Path, tmp_path: Path) -> None:
    copy = publish(source, tmp_path / "published", 5)
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(copy)], check=False)
    add(source, 2)
    publish(source, tmp_path / "published", 5)
    assert files(copy.parent) == ["data.duckdb"]
    assert query(copy, "SELECT sum(n) FROM numbers") == [(3,)]


def test_leftovers_of_killed_runs_go(source: Path, tmp_path: Path) -> None:
    directory = tmp_path / "published"
    directory.mkdir()
    (directory / ".data.duckdb.abc.publishing").write_bytes(b"half")
    (directory / ".other.duckdb.abc.publishing").write_bytes(b"half")
    publish(source, directory, 5)
    assert files(directory) == [".other.duckdb.abc.publishing", "data.duckdb"]


def test_a_writer_is_waited_for_and_named(source: Path, tmp_path: Path) -> None:
    publish(source, tmp_path / "published", 5)
    with held(source) as holder, pytest.raises(PublishError, match=f"process {holder.pid} "):
        publish(source, tmp_path / "published", 0.2)
    assert files(tmp_path / "published") == ["data.duckdb"]
    assert query(tmp_path / "published" / "data.duckdb", "SELECT n FROM numbers") == [(1,)]


def test_other_readers_do_not_matter(source: Path, tmp_path: Path) -> None:
    hold = "import sys,duckdb; c=duckdb.connect(sys.argv[1], read_only=True); print(1, flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", f"{hold}; sys.stdin.read()", str(source)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as reader:
        cast("IO[bytes]", reader.stdout).readline()
        publish(source, tmp_path / "published", 0)
        cast("IO[bytes]", reader.stdin).close()
        reader.wait()


def test_the_copy_is_whole_while_somebody_writes(source: Path, tmp_path: Path) -> None:
    """A writer that commits pairs, and copies meanwhile: no copy has half a pair."""
    writer_code = """
import sys, duckdb
for n in range(30):
    try:
        with duckdb.connect(sys.argv[1]) as c:
            c.execute("BEGIN; INSERT INTO numbers VALUES (10); INSERT INTO numbers VALUES (-10)")
            c.execute("COMMIT")
    except duckdb.IOException:
        continue
"""
    with subprocess.Popen([sys.executable, "-c", writer_code, str(source)]) as writer:
        copies = 0
        while writer.poll() is None or copies < 3:
            copy = publish(source, tmp_path / "published", 30)
            copies += 1
            assert query(copy, "SELECT sum(n), count(*) % 2 FROM numbers") == [(1, 1)]


def test_command(
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy = tmp_path / "published" / "data.duckdb"
    assert main([str(source), str(copy.parent)]) == 0
    assert capsys.readouterr().out == f"{copy}\n"
    monkeypatch.setenv("DUCKDB_PATH", str(source))
    monkeypatch.setenv("DUCKDB_PUBLISH_DIR", str(tmp_path / "other"))
    assert main([]) == 0
    assert files(tmp_path / "other") == ["data.duckdb"]


def test_a_tilde_is_the_home_as_for_the_loader(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DUCKDB_PATH", "~/written/data.duckdb")
    monkeypatch.setenv("DUCKDB_PUBLISH_DIR", "~/published")
    assert source == tmp_path / "written" / "data.duckdb"
    assert main([]) == 0
    assert files(tmp_path / "published") == ["data.duckdb"]


def test_the_path_of_the_copy_needs_no_unicode_terminal(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "veröffentlicht"
    done = subprocess.run(
        [sys.executable, "-m", "target_duckdb.publish", str(source), str(folder)],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == os.fsencode(folder / "data.duckdb") + b"\n"


@pytest.mark.parametrize("problem", ["missing", "same", "no database", "no directory", "a '?'"])
def test_errors_are_one_line(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], problem: str
) -> None:
    arguments = [str(source), str(tmp_path / "published")]
    if problem == "missing":
        arguments[0] = str(tmp_path / "missing.duckdb")
    elif problem == "a '?'":
        # Its log would not be found, and what is in it not published.
        arguments[0] = str(shutil.copy(source, tmp_path / "data?.duckdb"))
    elif problem == "same":
        arguments[1] = str(source.parent)
    elif problem == "no database":
        source.write_text("x" * 5000)
    else:
        (tmp_path / "published").write_text("a file")
    before = tmp_path / "before"
    shutil.copy(source, before)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("duckdb-publish: ")
    assert error.count("\n") == 1
    assert source.read_bytes() == before.read_bytes()
    if (tmp_path / "published").is_dir():
        assert files(tmp_path / "published") == []


def test_wrong_usage_ends_with_two(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DUCKDB_PATH", "DUCKDB_PUBLISH_DIR"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2


def test_killed_while_it_copies(source: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(source)) as connection:
        connection.execute("CREATE TABLE big AS SELECT random() AS x FROM range(2000000)")
    directory = tmp_path / "published"
    publish(source, directory, 5)
    code = "import sys; from target_duckdb.publish import main; main(sys.argv[1:])"
    ended = 0
    while ended != -signal.SIGKILL:  # a copy may be done before it was seen to have begun
        with subprocess.Popen([sys.executable, "-c", code, str(source), str(directory)]) as running:
            while running.poll() is None:
                if [path for path in directory.glob(".data*") if path.stat().st_size]:
                    os.kill(running.pid, signal.SIGKILL)
                    ended = running.wait()
    assert query(directory / "data.duckdb", "SELECT count(*) FROM big") == [(2_000_000,)]
    assert len(files(directory)) == 2
    publish(source, directory, 5)
    assert files(directory) == ["data.duckdb"]
