"""What a lake has that a file has not: readers while a load runs, upkeep, a lock, a bucket."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from target_duckdb import extensions
from target_duckdb.errors import DatabaseLockedError, EvolutionError, TargetError
from target_duckdb.lake import Lake
from tests.target_duckdb.helpers import COMMAND, activate, load, record, schema, state
from tests.target_duckdb.lake import homes
from tests.target_duckdb.parquet import s3
from tests.target_duckdb.test_peers import content, content_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INTEGER = {"type": ["null", "integer"]}
TEXT = {"type": ["null", "string"]}

each_kind = pytest.mark.parametrize("kind", homes.KINDS)
shared_kinds = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


def put(home: homes.Home, messages: list[Any], **others: Any) -> list[Any]:
    settings = {**home.settings, **others}
    return load(settings.pop("path"), messages, **settings)


def files(home: homes.Home) -> int:
    return sum(len(names) for _, _, names in os.walk(home.data_path))


# Types


def test_integers_of_38_digits_are_exact_and_longer_ones_are_refused(
    make_home: Callable[[str], homes.Home],
) -> None:
    home = make_home("sqlite")
    wide = schema({"id": INTEGER, "n": {"type": "integer", "maximum": 10**39}}, ["id"])
    numbers = [10**38 - 1, -(10**38) + 1, 2**53 + 1, 123456789012345678901234567890]
    put(home, [wide, *(record({"id": i, "n": n}) for i, n in enumerate(numbers))])
    assert home.query("SELECT n FROM main.items ORDER BY id") == [(n,) for n in numbers]
    with pytest.raises(EvolutionError, match=r"1 values .* are HUGEINT and would not be the same"):
        put(home, [wide, record({"id": 9, "n": 10**38})])
    assert home.query("SELECT count(*) FROM main.items") == [(4,)]


def test_a_column_is_widened_where_integers_need_more_than_64_bits(
    make_home: Callable[[str], homes.Home],
) -> None:
    home = make_home("postgres")
    items = schema({"id": INTEGER, "n": INTEGER}, ["id"])
    put(home, [items, record({"id": 1, "n": 1}), record({"id": 2, "n": 2**64 + 1})])
    put(home, [items, record({"id": 3, "n": -(2**70)}), record({"id": 1, "n": 7})])
    wanted = [(1, 7), (2, 2**64 + 1), (3, -(2**70))]
    assert home.query("SELECT id, n FROM main.items ORDER BY id") == wanted


def test_a_column_that_the_lake_would_round_is_refused(
    make_home: Callable[[str], homes.Home],
) -> None:
    home = make_home("sqlite")
    with home.opened() as connection:
        connection.execute("CREATE TABLE main.items (id BIGINT, n HUGEINT)")
    with pytest.raises(EvolutionError, match="is HUGEINT, which this database would round"):
        put(home, [schema({"id": INTEGER, "n": INTEGER}), record({"id": 1, "n": 2})])


@each_kind
def test_a_date_that_becomes_a_moment_is_the_same_for_every_reader(
    kind: str, make_home: Callable[[str], homes.Home]
) -> None:
    home = make_home(kind)
    day = {"type": "string", "format": "date"}
    moment = {"type": "string", "format": "date-time"}
    put(home, [schema({"id": INTEGER, "d": day}, ["id"]), record({"id": 1, "d": "2024-07-01"})])
    put(
        home,
        [
            schema({"id": INTEGER, "d": moment}, ["id"]),
            record({"id": 2, "d": "2024-07-01T00:00:00Z"}),
        ],
    )
    with home.opened() as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        found = connection.execute("SELECT count(DISTINCT epoch_us(d)) FROM main.items").fetchall()
    assert found == [(1,)]


@each_kind
def test_keys_with_a_nul_replace_rows(kind: str, make_home: Callable[[str], homes.Home]) -> None:
    home = make_home(kind)
    keyed = schema({"id": TEXT, "v": INTEGER}, ["id"])
    keys = ["a\0b", "a", "\0", "", "'"]
    for value in (1, 2):
        put(home, [keyed, *(record({"id": key, "v": value}) for key in keys)])
    rows = home.query("SELECT id, v FROM main.items")
    assert sorted(rows) == sorted((key, 2) for key in keys)


def test_a_column_may_change_its_type_beside_deletes_and_versions(
    make_home: Callable[[str], homes.Home],
) -> None:
    home = make_home("postgres")
    old, new = ({"id": INTEGER, "v": kind, "w": kind} for kind in (INTEGER, TEXT))
    put(
        home,
        [
            schema(old, ["id"]),
            *(record({"id": i, "v": i, "w": i}, version=1) for i in range(50)),
            activate(1),
        ],
        hard_delete=True,
    )
    put(
        home,
        [
            schema(new, ["id"]),
            *(record({"id": i, "v": f"t{i}", "w": None}, version=2) for i in range(25, 60)),
            activate(2),
        ],
        hard_delete=True,
    )
    rows = home.query("SELECT id, v, w FROM main.items ORDER BY id")
    assert rows == [(i, f"t{i}", None) for i in range(25, 60)]


# Upkeep


@each_kind
def test_small_files_become_large_and_old_snapshots_go(
    kind: str, make_home: Callable[[str], homes.Home]
) -> None:
    home = make_home(kind)
    keyed = schema({"id": INTEGER, "v": INTEGER}, ["id"])

    def rows(number: int) -> list[Any]:
        return [keyed, *(record({"id": i, "v": number}) for i in range(number, number + 3))]

    for number in range(6):
        put(home, rows(number), compact_files=0, snapshot_hours=1)
    assert files(home) > 6
    wanted = sorted([(i, i) for i in range(5)] + [(i, 5) for i in range(5, 8)])
    (snapshots,) = home.query("SELECT count(*) FROM ducklake_snapshots('lake')")[0]
    assert snapshots > 6
    (first,) = home.query("SELECT min(snapshot_id) FROM ducklake_snapshots('lake')")[0]
    assert home.query(f"FROM main.items AT (VERSION => {first + 2})") != []
    put(home, rows(5), compact_files=3, snapshot_hours=1)
    assert sorted(home.query("SELECT id, v FROM main.items")) == wanted
    put(home, rows(5), compact_files=1, snapshot_hours=0)
    assert files(home) == 1
    assert home.query("SELECT count(*) FROM ducklake_snapshots('lake')") == [(1,)]
    assert sorted(home.query("SELECT id, v FROM main.items")) == wanted


def leave(home: homes.Home, number: int, *, days: float) -> Path:
    """A file as a killed loader leaves it, that many days ago."""
    (known,) = sorted(Path(home.data_path, "main", "items").glob("*.parquet"))[:1]
    path = known.with_name(f"ducklake-00000000-0000-7000-8000-{number:012}.parquet")
    shutil.copy(known, path)
    aged(path, days)
    return path


def aged(path: Path, days: float) -> None:
    moment = time.time() - days * 24 * 3600
    os.utime(path, (moment, moment))


@each_kind
def test_files_of_killed_loaders_go_after_a_day_and_no_other(
    kind: str, make_home: Callable[[str], homes.Home]
) -> None:
    home = make_home(kind)
    kept = {"compact_files": 0, "snapshot_hours": 1}
    rows = [schema({"id": INTEGER}, ["id"]), record({"id": 1}), record({"id": 2})]
    put(home, rows, **kept)
    # The same key again: files with deletes, and files of snapshots that are kept.
    put(home, rows, **kept)
    live = list(Path(home.data_path).rglob("*.parquet"))
    old, young = leave(home, 1, days=1.1), leave(home, 2, days=0.9)
    for path in live:
        aged(path, 9)
    put(home, [rows[0], record({"id": 3})], **kept)
    assert not old.exists()
    assert young.exists()
    assert all(path.exists() for path in live)
    assert home.query("SELECT id FROM main.items ORDER BY id") == [(1,), (2,), (3,)]
    (first,) = home.query("SELECT min(snapshot_id) FROM ducklake_snapshots('lake')")[0]
    assert home.query(f"SELECT count(*) FROM main.items AT (VERSION => {first + 2})") == [(2,)]


def test_what_is_not_a_file_of_a_lake_keeps_all_there(
    make_home: Callable[[str], homes.Home], caplog: pytest.LogCaptureFixture
) -> None:
    home = make_home("sqlite")
    rows = [schema({"id": INTEGER}, ["id"]), record({"id": 1})]
    put(home, rows)
    old = leave(home, 1, days=2)
    strange = Path(home.data_path, "figures.parquet")
    shutil.copy(old, strange)
    aged(strange, 2)
    put(home, rows)
    assert old.exists()
    assert strange.exists()
    assert f"holds {strange}, which is none of this lake" in caplog.text
    strange.unlink()
    put(home, rows)
    assert not old.exists()


@each_kind
def test_a_new_lake_is_not_made_over_files_of_another(
    kind: str, tmp_path: Path, make_home_in: Callable[[str, Path], homes.Home]
) -> None:
    one, other = (tmp_path / name for name in ("one", "other"))
    for folder in (one, other):
        folder.mkdir()
    home = make_home_in(kind, one)
    rows = [schema({"id": INTEGER}, ["id"]), record({"id": 1})]
    put(home, rows)
    new = homes.Home(make_home_in(kind, other).path, home.data_path)
    with pytest.raises(TargetError, match="'data_path' holds files of another lake, such as /"):
        put(new, rows)
    assert home.query("SELECT id FROM main.items") == [(1,)]


# Who reads and writes at the same time


@shared_kinds
def test_readers_see_whole_snapshots_while_a_load_runs(
    kind: str, make_home: Callable[[str], homes.Home]
) -> None:
    home = make_home(kind)
    streams = [schema({"id": INTEGER, "n": INTEGER}, ["id"], name) for name in ("left", "right")]
    put(
        home,
        [
            *streams,
            *(record({"id": i, "n": 0}, each) for each in ("left", "right") for i in range(20)),
        ],
    )
    is_over = threading.Event()
    seen: Counter[int] = Counter()
    wrong: list[Any] = []

    def read() -> None:
        query = (
            "SELECT (SELECT list(DISTINCT n) FROM main.left), (SELECT list(DISTINCT n) FROM "
            "main.right), (SELECT count(*) FROM main.left), (SELECT count(*) FROM main.right)"
        )
        try:
            with home.opened() as connection:
                while True:
                    is_last = is_over.is_set()
                    row = connection.execute(query).fetchall()[0]
                    if row[0] != row[1] or len(row[0]) != 1 or row[2:] != (20, 20):
                        wrong.append(row)
                    seen[row[0][0]] += 1
                    if is_last:
                        return
        except duckdb.Error as error:
            wrong.append(str(error))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    messages: list[Any] = list(streams)
    for number in range(1, 16):
        for name in ("left", "right"):
            messages += [record({"id": i, "n": number}, name) for i in range(20)]
        messages.append(state(number))
    done = subprocess.run(
        [*COMMAND, "--config", str(written(home, batch_size_rows=1))],
        input=b"".join(json.dumps(message).encode() + b"\n" for message in messages),
        capture_output=True,
        check=False,
    )
    is_over.set()
    for reader in readers:
        reader.join()
    assert done.returncode == 0, done.stderr.decode()
    assert not wrong
    assert seen[15]
    assert len(seen) > 2


def written(home: homes.Home, **others: Any) -> Path:
    """A file of settings; all snapshots stay, for those who read one."""
    path = Path(home.data_path).with_name("config.json")
    path.write_text(json.dumps({**home.settings, "snapshot_hours": 1, **others}), encoding="utf-8")
    return path


@each_kind
def test_a_second_writer_is_told_who_writes(
    kind: str, make_home: Callable[[str], homes.Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(kind)
    put(home, [schema({"id": INTEGER}, ["id"]), record({"id": 1})])
    lake = Lake(home.path, home.data_path, "lake")
    monkeypatch.setenv("PGAPPNAME", "target-duckdb elsewhere 4711")
    with closing(duckdb.connect()) as connection:
        extensions.load(connection, home.path, home.data_path, os.environ)
        if kind == "duckdb":
            lake.attach(connection)
            done = subprocess.run(
                [*COMMAND, "--config", str(written(home, lock_timeout=0))],
                input=b'{"type": "SCHEMA", "stream": "items", "key_properties": ["id"], "schema": '
                b'{"properties": {"id": {"type": "integer"}}}}\n'
                b'{"type": "RECORD", "stream": "items", "record": {"id": 2}}\n',
                capture_output=True,
                check=False,
            )
            assert done.returncode == 1
            assert f"locked by process {os.getpid()}" in done.stderr.decode().splitlines()[-1]
        else:
            assert lake.lock.take(connection) is None
            said = "elsewhere 4711" if kind == "postgres" else "another loader"
            with pytest.raises(DatabaseLockedError, match=f"the lake is locked by .*{said}"):
                put(home, [schema({"id": INTEGER}, ["id"]), record({"id": 2})], lock_timeout=0)
            lake.lock.give_back(connection)
    assert home.query("SELECT id FROM main.items") == [(1,)]
    put(home, [schema({"id": INTEGER}, ["id"]), record({"id": 2})], lock_timeout=0)
    assert home.query("SELECT count(*) FROM main.items") == [(2,)]


def test_a_writer_whose_lock_is_lost_commits_nothing(
    make_home: Callable[[str], homes.Home], postgres: Any
) -> None:
    home = make_home("postgres")
    put(home, [schema({"id": INTEGER}, ["id"]), record({"id": 1})])
    lake = Lake(home.path, home.data_path, "lake")
    with closing(duckdb.connect()) as connection:
        extensions.load(connection, home.path, home.data_path, os.environ)
        assert lake.lock.take(connection) is None
        lake.lock.confirm()
        postgres.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        )
        with pytest.raises(duckdb.Error):
            lake.lock.confirm()
        lake.lock.give_back(connection)


# Where it is


def test_nothing_is_downloaded_and_what_is_missing_is_said(
    make_home: Callable[[str], homes.Home], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = make_home("sqlite")
    store = tmp_path / "extensions"
    rows = [schema({"id": INTEGER}, ["id"]), record({"id": 1})]
    put(home, rows, settings={"extension_directory": str(store)})
    assert not store.exists()
    monkeypatch.setattr(duckdb, "__version__", "1.5.9")
    with pytest.raises(
        TargetError, match=r"a DuckLake needs DuckDB 1\.5\.5, .* this is 1\.5\.9: `make"
    ):
        put(home, rows)


def test_another_data_path_is_refused(
    make_home: Callable[[str], homes.Home], tmp_path: Path
) -> None:
    home = make_home("postgres")
    rows = [schema({"id": INTEGER}, ["id"]), record({"id": 1})]
    put(home, rows)
    with pytest.raises(
        TargetError, match=r"cannot open the database of setting 'path': .*DATA_PATH"
    ):
        put(home, rows, data_path=str(tmp_path / "elsewhere"))


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3.server() as port:
        yield f"http://127.0.0.1:{port}"


@shared_kinds
def test_files_of_a_bucket(  # noqa: PLR0913, PLR0917 (fixtures)
    kind: str,
    make_home: Callable[[str], homes.Home],
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    home = make_home(kind)
    home.data_path = f"s3://{s3.BUCKET}/{kind}"
    with pytest.raises(TargetError, match="AWS_ACCESS_KEY_ID"):
        put(home, [schema({"id": INTEGER})])
    for name, value in s3.environment(int(bucket.rpartition(":")[2]), tmp_path).items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    file = tmp_path / "same.duckdb"
    for number in range(3):
        messages = [
            schema({"id": INTEGER, "v": TEXT if number == 2 else INTEGER}, ["id"]),
            *(
                record({"id": i, "v": "x" if number == 2 else i})
                for i in range(number, number + 40)
            ),
        ]
        put(home, messages)
        load(file, messages)
    with home.opened() as connection:
        assert {name: sorted(map(repr, rows)) for name, rows in content_of(connection).items()} == {
            name: sorted(map(repr, rows)) for name, rows in content(file).items()
        }
    assert s3.SECRET not in caplog.text
    assert not Path(home.data_path).exists()


def test_a_loader_told_to_stop_leaves_the_lake_to_others(
    make_home: Callable[[str], homes.Home],
) -> None:
    home = make_home("postgres")
    rows = [schema({"id": INTEGER}, ["id"]), record({"id": 1}), state(1)]
    with subprocess.Popen(
        [*COMMAND, "--config", str(written(home, batch_size_rows=1))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == 1
        process.send_signal(signal.SIGTERM)
        process.stdin.close()
    put(home, rows, lock_timeout=0)
    assert home.query("SELECT id FROM main.items") == [(1,)]
