"""How much memory a load takes, whatever its length."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from target_duckdb import database as database_module
from target_duckdb.database import COMMIT, STAGING, Memory
from target_duckdb.target import TargetDuckDB
from tests.target_duckdb.helpers import activate, lines, load, query, record, schema, state

if TYPE_CHECKING:
    from pathlib import Path

TEXT = {"type": ["string", "null"]}
PROPERTIES: dict[str, Any] = {"id": {"type": "string"}, "text": TEXT, "more": {"type": "object"}}
ROWS_PER_FILE = 50_000
SMALL, SHORT, LONG = 2, 5, 10
"""Files of the loads: the small one fills no row group, the short one two of them already."""

# A program begins with the peak of the one that starts it: here a small one, not that of all tests.
MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
MORE_FOR_LONGER = 1.3
MORE_THAN_SMALL = 1.8
MOST = 400 << 20


# Numbers times 2**64 divided by the golden ratio, as hexadecimal digits: Python would take four
# times as long to write them.
FILE = f"""
copy (
    select
        cast(cast(padded as uuid) as varchar) as id, repeat(digits, 4) as text,
        struct_pack(parts := [padded[i:] || n for i in range(1, 21, 2)]) as more
    from (
        select
            range as n, lower(to_hex(($1 + range)::uhugeint * {0x9E3779B97F4A7C15})) as digits,
            lpad(digits, 32, '0') as padded
        from range({ROWS_PER_FILE})
    )
) to '{{}}' (format json)
"""


def write_files(directory: Path) -> list[str]:
    addresses = []
    with duckdb.connect() as connection:
        for number in range(LONG):
            file = directory / f"{number}.jsonl"
            connection.execute(FILE.format(file), [number * ROWS_PER_FILE])
            addresses.append(file.as_uri())
    return addresses


def peak(directory: Path, addresses: list[str], version: int) -> int:
    """Load files into `<their number>.duckdb`; return the bytes that took at most."""
    path = directory / f"{len(addresses)}.duckdb"
    settings = directory / "config.json"
    settings.write_text(json.dumps({"path": str(path), "keep_batch_files": True}))
    batch = {"type": "BATCH", "stream": "items", "encoding": {"format": "jsonl"}}
    messages = directory / "messages"
    messages.write_bytes(
        lines(
            [
                schema(PROPERTIES, ["id"]),
                *({**batch, "manifest": [file], "version": version} for file in addresses),
                activate(version),
            ]
        )
    )
    command = [sys.executable, "-m", "target_duckdb", "--config", str(settings)]
    with messages.open("rb") as source, (directory / "log").open("wb") as log:
        run = subprocess.run(
            [sys.executable, "-c", MEASURE, *command],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=log,
            check=False,
        )
    assert run.returncode == 0, (directory / "log").read_text()
    assert query(path, "SELECT count(*), min(_sdc_table_version) FROM items") == [
        (len(addresses) * ROWS_PER_FILE, version)
    ]
    # The last line is what is measured, those before it are the loader's STATE messages.
    return int(run.stdout.split()[-1]) * (1 if sys.platform == "darwin" else 1024)


def test_a_longer_load_takes_no_more(tmp_path: Path) -> None:
    addresses = write_files(tmp_path)
    for version in (1, 2):
        small, short, long = (peak(tmp_path, addresses[:n], version) for n in (SMALL, SHORT, LONG))
        assert long < MORE_FOR_LONGER * short
        assert long < MORE_THAN_SMALL * small
        assert long < MOST


@pytest.mark.parametrize(
    ("settings", "threads"), [({}, 1), ({"threads": 3}, 3), ({"THREADS": 3}, 3)]
)
def test_one_thread_holds_rows_unless_the_user_has_more(
    tmp_path: Path, settings: dict[str, Any], threads: int
) -> None:
    target = TargetDuckDB(config={"path": str(tmp_path / "test.duckdb"), "settings": settings})
    found = target.database.connection.execute("SELECT current_setting('threads')").fetchall()
    target.close()
    assert found == [(threads,)]


def limit_of(connection: duckdb.DuckDBPyConnection) -> str:
    return str(connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0])


class Work:
    """Fails for lack of memory so many times; notes the limit of each."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, failures: int) -> None:
        self._connection = connection
        self._failures = failures
        self.limits: list[str] = []

    def __call__(self) -> None:
        self.limits.append(limit_of(self._connection))
        if len(self.limits) <= self._failures:
            raise duckdb.OutOfMemoryException


def test_memory_is_raised_in_steps_and_stays_so() -> None:
    with duckdb.connect() as connection:
        whole = limit_of(connection)
        connection.execute(f"SET memory_limit = '{whole}'")
        whole = limit_of(connection)  # rounded
        connection.execute("RESET memory_limit")
        memory = Memory(connection, is_given=False, logger=logging.getLogger(__name__))
        work = Work(connection, 0)
        for share in (STAGING, COMMIT, STAGING):
            memory.run(work, share)
        assert work.limits == ["122.0 MiB", "152.5 MiB", "122.0 MiB"]
        work = Work(connection, 4)
        memory.run(work, STAGING)
        assert work.limits == ["122.0 MiB", "244.1 MiB", "488.2 MiB", "953.6 MiB", whole]
        work = Work(connection, 1)
        with pytest.raises(duckdb.OutOfMemoryException):
            memory.run(work, COMMIT)
        assert work.limits == [whole]


def test_steps_that_cannot_suffice_are_left_out() -> None:
    with duckdb.connect() as connection:
        memory = Memory(connection, is_given=False, logger=logging.getLogger(__name__))
        found = []

        def work() -> None:
            for needed in (150_000_000, 161_000_000, 900_000_000):
                memory.make_room(needed)
                found.append(limit_of(connection))

        memory.run(work, COMMIT)
        memory.make_room(10**15)
        assert found == ["152.5 MiB", "244.1 MiB", "953.6 MiB"]
        memory.make_room(10**15)
    with duckdb.connect(config={"memory_limit": "300MB"}) as connection:
        given = limit_of(connection)
        memory = Memory(connection, is_given=True, logger=logging.getLogger(__name__))
        memory.make_room(10**15)
        assert limit_of(connection) == given


def test_a_limit_of_the_user_is_left_alone() -> None:
    with duckdb.connect(config={"memory_limit": "300MB"}) as connection:
        given = limit_of(connection)
        memory = Memory(connection, is_given=True, logger=logging.getLogger(__name__))
        work = Work(connection, 1)
        with pytest.raises(duckdb.OutOfMemoryException):
            memory.run(work, COMMIT)
        assert work.limits == [given]


def test_another_reason_why_a_commit_fails_is_no_lack_of_memory() -> None:
    tries = []

    def work() -> None:
        tries.append(1)
        msg = "TransactionContext Error: Failed to commit: No space left on device"
        raise duckdb.TransactionException(msg)

    with duckdb.connect() as connection:
        memory = Memory(connection, is_given=False, logger=logging.getLogger(__name__))
        with pytest.raises(duckdb.TransactionException):
            memory.run(work, COMMIT)
    assert len(tries) == 1


def test_a_commit_that_finds_no_room_on_the_disk_is_tried_in_memory() -> None:
    limits = []
    # DuckDB's words where less is left of the disk than would go to it.
    said = "Failed to commit: failed to offload data block of size 256.0 KiB (1.6 MiB/1.7 MiB used)"

    def work() -> None:
        limits.append(limit_of(connection))
        if len(limits) == 1:
            raise duckdb.TransactionException(said)

    with duckdb.connect() as connection:
        memory = Memory(connection, is_given=False, logger=logging.getLogger(__name__))
        memory.run(work, COMMIT)
    assert limits == ["152.5 MiB", "244.1 MiB"]


def test_hundreds_of_new_columns_get_the_memory_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: that it does not suffice, DuckDB says only at the end of a commit."""
    failed = []
    is_out_of_memory = database_module._is_out_of_memory  # noqa: SLF001

    def is_noted(error: duckdb.Error) -> bool:
        failed.append(str(error))
        return is_out_of_memory(error)

    monkeypatch.setattr(database_module, "_is_out_of_memory", is_noted)
    path = tmp_path / "test.duckdb"
    key = {"id": {"type": "integer"}}
    load(path, [schema(key, ["id"]), *(record({"id": n}) for n in range(10)), state(1)])
    new = [f"c{n}" for n in range(700)]
    wide = schema({**key, **{name: {"type": "integer"} for name in new}}, ["id"])
    rows = [record({"id": n, **dict.fromkeys(new, n)}) for n in range(10)]
    assert load(path, [wide, *rows, state(2)]) == [2]
    assert query(path, "SELECT count(*), sum(c0), sum(c699) FROM items") == [(10, 45, 45)]
    assert not [words for words in failed if "commit" in words]
