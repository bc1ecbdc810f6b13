"""`duckdb-publish`: a copy that can always be opened, replaced in one step."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, cast

import duckdb
import pytest

from target_duckdb.publish import PublishError, main, publish
from tests.target_duckdb.helpers import files, query
from tests.target_duckdb.test_lock import held

COPY = ["data.duckdb", "data.duckdb.wal"]
"""A copy, and the link in the place of its log."""

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
    assert files(copy.parent) == COPY
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
    assert files(copy.parent) == COPY


def test_the_log_of_an_old_copy_goes(source: Path, tmp_path: Path) -> None:
    """Such as one of a copy that was made before copies had a link in the place of their log."""
    directory = tmp_path / "published"
    directory.mkdir()
    copy = Path(shutil.copy(source, directory))
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(copy)], check=False)
    assert (directory / "data.duckdb.wal").stat().st_size > 0
    add(source, 2)
    publish(source, tmp_path / "published", 5)
    assert files(copy.parent) == COPY
    assert query(copy, "SELECT sum(n) FROM numbers") == [(3,)]


class Session:
    """A process that has a copy open for writing, as `duckdb.connect` does by default."""

    def __init__(self, copy: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SESSION, str(copy)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.answer() == "open"

    def answer(self) -> str:
        return cast("IO[str]", self.process.stdout).readline().rstrip()

    def run(self, sql: str) -> str:
        stdin = cast("IO[str]", self.process.stdin)
        stdin.write(f"{sql}\n")
        stdin.flush()
        return self.answer()

    def end(self, *, killed: bool) -> None:
        if killed:
            self.process.kill()
        self.process.communicate()


SESSION = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
for line in sys.stdin:
    try:
        found = connection.execute(line).fetchall()
        print("done", found, flush=True)
    except duckdb.Error as error:
        print("refused", type(error), flush=True)
"""

HARM = {
    "rows": ["INSERT INTO numbers VALUES (99)"],
    "deletes": ["DELETE FROM numbers"],
    "a change and a checkpoint": ["UPDATE numbers SET n = -1", "FORCE CHECKPOINT"],
    "a table": ["CREATE TABLE foreign_table AS SELECT 1 AS n"],
    "no table": ["DROP VIEW doubled", "DROP TABLE numbers"],
    "an open transaction": ["BEGIN", "DELETE FROM numbers"],
    "much": ["CREATE TABLE big AS SELECT uuid() AS u FROM range(300000)"],
    "much, past the log": [
        "SET checkpoint_threshold = '1KB'",
        "INSERT INTO numbers SELECT 7 FROM range(300000)",
        "CHECKPOINT",
        "INSERT INTO numbers VALUES (99)",
    ],
    "much in the log": [
        "SET checkpoint_threshold = '1GB'",
        "INSERT INTO numbers SELECT 7 FROM range(300000)",
    ],
}


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "closed"])
@pytest.mark.parametrize("harm", HARM)
def test_what_a_session_writes_into_an_old_copy_is_in_no_new_one(
    source: Path, tmp_path: Path, harm: str, *, killed: bool
) -> None:
    def check(numbers: int) -> None:
        assert query(copy, "SELECT sum(n) FROM numbers") == [(numbers,)]
        assert query(copy, "SELECT sum(d) FROM doubled") == [(2 * numbers,)]
        names = query(copy, "SELECT table_name FROM information_schema.tables ORDER BY ALL")
        assert names == [("doubled",), ("numbers",)]

    copy = publish(source, tmp_path / "published", 5)
    session = Session(copy)
    try:
        assert session.run("SELECT n FROM numbers") == "done [(1,)]"
        add(source, 2)
        publish(source, tmp_path / "published", 5)
        check(3)
        for sql in HARM[harm]:
            session.run(sql)
            check(3)
        add(source, 4)
        publish(source, tmp_path / "published", 5)
        check(7)
    finally:
        session.end(killed=killed)
    check(7)
    publish(source, tmp_path / "published", 5)
    check(7)
    assert files(copy.parent) == COPY


def test_a_session_of_a_copy_without_the_link_harms_no_later_one(
    source: Path, tmp_path: Path
) -> None:
    """One that has its log open already when the first copy with the link is made."""
    directory = tmp_path / "published"
    directory.mkdir()
    copy = Path(shutil.copy(source, directory))
    session = Session(copy)
    assert session.run("INSERT INTO numbers VALUES (99)") == "done [(1,)]"
    add(source, 2)
    publish(source, directory, 5)
    session.run("INSERT INTO numbers VALUES (100)")
    assert query(copy, "SELECT sum(n) FROM numbers") == [(3,)]
    session.end(killed=True)
    assert query(copy, "SELECT sum(n) FROM numbers") == [(3,)]


def test_a_copy_takes_no_log_not_even_from_root(source: Path, tmp_path: Path) -> None:
    copy = publish(source, tmp_path / "published", 5)
    done = subprocess.run(
        [sys.executable, "-c", WRITE_AND_DIE, str(copy)], capture_output=True, check=False
    )
    assert b"data.duckdb.wal" in done.stderr
    assert query(copy, "SELECT n FROM numbers") == [(1,)]
    assert files(copy.parent) == COPY


def test_a_copy_by_way_of_a_link(source: Path, tmp_path: Path) -> None:
    """What a killed writer committed is found, on whichever side of the link its log lies."""
    link = tmp_path / "data.duckdb"
    link.symlink_to(source)
    done = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(link)], check=False)
    assert done.returncode == -signal.SIGKILL
    copy = publish(link, tmp_path / "published", 5)
    assert query(copy, "SELECT sum(n) FROM numbers") == [(100,)]


def test_a_copy_can_be_published_again(source: Path, tmp_path: Path) -> None:
    first = publish(source, tmp_path / "published", 5)
    second = publish(first, tmp_path / "elsewhere", 5)
    assert query(second, "SELECT n FROM numbers") == [(1,)]


def test_without_symbolic_links_it_says_so(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.symlink", refuse)
    monkeypatch.setattr(Path, "symlink_to", refuse)
    with pytest.raises(PublishError, match=r"symbolic link .*data\.duckdb\.wal"):
        publish(source, tmp_path / "published", 5)
    assert files(tmp_path / "published") == []


TABLES = """
CREATE TABLE texts AS SELECT range AS n, uuid()::VARCHAR || repeat('x', 5000) AS t FROM range(2000);
CREATE SCHEMA other;
CREATE TABLE other."a ""b" AS SELECT [range, hash(range)] AS "texts", {'h': uuid()} AS s,
    range::DECIMAL(38, 3) AS d FROM range(60000);
CREATE TABLE computed (n INTEGER, twice AS (2 * n));
INSERT INTO computed SELECT range FROM range(60000);
CHECKPOINT
"""


def test_a_damaged_file_replaces_no_copy(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A byte anywhere: either the copy is not replaced, or nothing that is read has changed."""
    with duckdb.connect(str(source)) as connection:
        connection.execute(TABLES)
    copy = publish(source, tmp_path / "published", 5)
    good = source.read_bytes()
    whole = content(copy)
    add(source, 2)
    later = source.read_bytes()
    refused = 0
    capsys.readouterr()
    for place in [100, 4200, 8300, *range(3 * 4096 + 999, len(later), 5 * 262_144)]:
        damaged = bytearray(later)
        damaged[place] ^= 0x55
        source.write_bytes(damaged)
        if main([str(source), str(copy.parent)]) == 0:
            found = content(copy)
            assert {**found, "numbers": None} == {**whole, "numbers": None}, place
            copy.write_bytes(good)
            continue
        refused += 1
        error = capsys.readouterr().err
        assert error.startswith("duckdb-publish: ")
        assert str(source) in error
        assert error.count("\n") == 1
        assert copy.read_bytes() == good
        assert files(copy.parent) == COPY
    assert refused > 5


INDEXED = """
CREATE TABLE keyed (id BIGINT PRIMARY KEY, "a ""b" VARCHAR UNIQUE, g INTEGER, UNIQUE (g, id));
INSERT INTO keyed SELECT range, md5(range::VARCHAR) || chr(0), range % 7 FROM range(20_000);
CREATE INDEX lowered ON keyed (lower("a ""b"));
CREATE INDEX doubled ON keyed ((id * 2));
CREATE TABLE empty (id INTEGER PRIMARY KEY);
CREATE TABLE same AS SELECT 'x' AS v FROM range(10);
CREATE INDEX same_v ON same (v);
CHECKPOINT
"""
BY_INDEX = """
SELECT count(*), bit_xor(hash(k)) FROM keyed k WHERE id > 0 UNION ALL
SELECT count(*), bit_xor(hash(k)) FROM keyed k WHERE "a ""b" > '' UNION ALL
SELECT count(*), bit_xor(hash(k)) FROM keyed k WHERE lower("a ""b") > ''
"""


def test_a_damaged_index_replaces_no_copy(source: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(source)) as connection:
        connection.execute(INDEXED)
    copy = publish(source, tmp_path / "published", 5)
    good = source.read_bytes()
    found = []
    places = range(3 * 4096 + 999, len(good), 3 * 262_144)
    for place in places:
        damaged = bytearray(good)
        damaged[place] ^= 0x55
        source.write_bytes(damaged)
        try:
            publish(source, copy.parent, 5)
        except PublishError:
            found.append(place)
            continue
        with duckdb.connect(str(copy), read_only=True) as connection:
            connection.execute(
                "SET index_scan_percentage = 1; SET index_scan_max_count = 1_000_000"
            )
            rows = connection.execute(BY_INDEX).fetchall()
        assert [count for count, _ in rows] == [19_999, 20_000, 20_000], place
        copy.write_bytes(good)
    assert len(found) > len(places) / 2


def content(copy: Path) -> dict[str, Any]:
    with duckdb.connect(str(copy), read_only=True) as connection:
        return {
            name: connection.execute(f"SELECT bit_xor(hash(r)), count(*) FROM {name} r").fetchall()
            for name in ("numbers", "doubled", "texts", 'other."a ""b"', "computed")
        }


def test_a_file_that_is_cut_short_replaces_no_copy(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(str(source)) as connection:
        connection.execute(TABLES)
    copy = publish(source, tmp_path / "published", 5)
    good = copy.read_bytes()
    for size in (len(good) // 2, 300_000, 5000, 1):
        source.write_bytes(good[:size])
        assert main([str(source), str(copy.parent)]) == 1, size
        assert capsys.readouterr().err.count("\n") == 1
        assert copy.read_bytes() == good


def test_nothing_is_fetched_for_a_file_of_another_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (n INTEGER)")
    assert main([str(path), str(tmp_path / "published")]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"duckdb-publish: cannot open the database {path}: ")
    assert error.count("\n") == 1
    assert "HTTP" not in error


def test_leftovers_of_killed_runs_go(source: Path, tmp_path: Path) -> None:
    directory = tmp_path / "published"
    directory.mkdir()
    (directory / ".data.duckdb.abc.publishing").write_bytes(b"half")
    (directory / ".other.duckdb.abc.publishing").write_bytes(b"half")
    publish(source, directory, 5)
    assert files(directory) == [".other.duckdb.abc.publishing", *COPY]


def test_a_writer_is_waited_for_and_named(source: Path, tmp_path: Path) -> None:
    publish(source, tmp_path / "published", 5)
    with held(source) as holder, pytest.raises(PublishError, match=f"process {holder.pid} "):
        publish(source, tmp_path / "published", 0.2)
    assert files(tmp_path / "published") == COPY
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
    assert files(tmp_path / "other") == COPY


def test_a_tilde_is_the_home_as_for_the_loader(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DUCKDB_PATH", "~/written/data.duckdb")
    monkeypatch.setenv("DUCKDB_PUBLISH_DIR", "~/published")
    assert source == tmp_path / "written" / "data.duckdb"
    assert main([]) == 0
    assert files(tmp_path / "published") == COPY


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
    assert len(files(directory)) == 3
    publish(source, directory, 5)
    assert files(directory) == COPY
