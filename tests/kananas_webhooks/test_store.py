"""The queue: its numbers, its limits, and the thread that writes to it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from kananas_webhooks.events import moment, new_event
from kananas_webhooks.store import MOST_REMOVED, Store, StoreBusyError, StoreError, StoreFullError
from kananas_webhooks.writer import MAX_WAITING, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kananas_webhooks.events import Event


def event(body: bytes = b"{}", age: timedelta = timedelta()) -> Event:
    made = new_event(body, [("content-type", "application/json")], "", ())
    return replace(made, received_at=moment(datetime.now(timezone.utc) - age))


def sequences(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("select sequence from events order by 1")]


def extracted(path: Path, sequence: int) -> None:
    """Say, as the tap does, how far events have been loaded."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update extraction set sequence = ?", (sequence,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "events.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with closing(Store(path, keep_days=30)) as opened:
        yield opened


def test_numbers_rise_without_end_even_in_a_store_that_begins_anew(path: Path) -> None:
    numbers: list[int] = []
    for anew in (False, False, True, False):
        if anew:
            for file in path.parent.iterdir():
                file.unlink()
        with closing(Store(path)) as store:
            store.append([event(), event()])
            numbers.append(store.last_sequence)
            store.append([event()])
            numbers.append(store.last_sequence)
    assert numbers == sorted(set(numbers))
    assert numbers[1] == numbers[0] + 1


def test_events_outlast_a_crash(path: Path, store: Store) -> None:
    store.append([event(b"1"), event(b"2")])
    # A copy of the files as they are now is what a crash leaves.
    copy = path.parent.parent / "copy"
    copy.mkdir()
    for file in path.parent.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    with closing(Store(copy / path.name)) as found:
        assert (found.events, found.waiting, found.last_sequence) == (2, 2, store.last_sequence)
        assert found.last_received_at == store.last_received_at


def test_only_what_was_extracted_is_removed_once_it_is_old(path: Path, store: Store) -> None:
    store.append([event(age=timedelta(days=31)) for _ in range(MOST_REMOVED + 20)])
    store.append([event(age=timedelta(days=29)), event()])
    all_of_them = sequences(path)
    assert store.trim() == 0
    extracted(path, all_of_them[MOST_REMOVED + 9])
    assert store.trim() == MOST_REMOVED
    assert store.trim() == 10
    assert store.trim() == 0
    assert sequences(path) == all_of_them[MOST_REMOVED + 10 :]
    extracted(path, all_of_them[-1])
    assert store.trim() == 10
    assert sequences(path) == all_of_them[-2:]
    assert (store.events, store.waiting) == (2, 0)


def test_a_crowded_store_lets_go_of_what_was_extracted_before_its_time(path: Path) -> None:
    with closing(Store(path, max_bytes=1_000_000)) as store:
        store.append([event(b"x" * 100_000) for _ in range(5)])
        extracted(path, sequences(path)[2])
        assert store.trim() == 0
        store.append([event(b"x" * 100_000) for _ in range(3)])
        assert store.trim() == 3
        assert store.size() < 600_000
        with pytest.raises(StoreFullError):
            store.append([event(b"x" * 300_000) for _ in range(2)])
        store.append([event(b"x" * 300_000)])
        assert (store.events, len(sequences(path))) == (6, 6)


def test_what_was_removed_is_wiped(path: Path, store: Store) -> None:
    secret = b"Zoe Durand, born 1980-12-31"
    store.append([event(secret, age=timedelta(days=31))])
    extracted(path, store.last_sequence)
    assert store.trim() == 1
    store.close()
    assert all(secret not in file.read_bytes() for file in path.parent.iterdir())


def test_another_process_is_waited_for_in_vain(path: Path) -> None:
    with closing(Store(path, busy_seconds=0)) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("begin immediate")
            with pytest.raises(StoreBusyError):
                store.append([event()])
        store.append([event()])
        assert store.events == 1


def test_a_store_of_another_version_is_refused(path: Path, store: Store) -> None:
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma user_version = 2")
    with pytest.raises(StoreError, match="version 2"):
        Store(path)


def test_events_that_come_together_are_stored_in_their_order(path: Path, store: Store) -> None:
    writer = Writer(store)

    async def send() -> None:
        pending = [asyncio.create_task(writer.append(event(b"%d" % n))) for n in range(MAX_WAITING)]
        await asyncio.sleep(0)
        # The thread does not run yet, so nothing has made room.
        with pytest.raises(StoreBusyError):
            await writer.append(event())
        writer.start()
        await asyncio.gather(*pending)
        writer.stop()

    asyncio.run(send())
    with closing(sqlite3.connect(path)) as connection:
        bodies = connection.execute("select body from events order by sequence").fetchall()
    assert [int(body) for (body,) in bodies] == list(range(MAX_WAITING))
    assert (writer.figures.events, writer.figures.problem) == (MAX_WAITING, None)


def test_a_defect_leaves_nobody_waiting(path: Path, store: Store) -> None:
    writer = Writer(store)
    unheard_of = replace(event(), content_type="\ud800")

    async def send() -> None:
        writer.start()
        with pytest.raises(StoreError):
            await writer.append(unheard_of)
        await writer.append(event())
        writer.stop()

    asyncio.run(send())
    assert (len(sequences(path)), store.events) == (1, 1)


def test_the_writer_removes_what_may_go_while_nothing_comes(path: Path, store: Store) -> None:
    store.append([event(age=timedelta(days=31)) for _ in range(3 * MOST_REMOVED)])
    extracted(path, store.last_sequence)
    writer = Writer(store, tick_seconds=3600)
    removed = asyncio.run(_until_empty(writer))
    assert removed
    assert sequences(path) == []


async def _until_empty(writer: Writer) -> bool:
    writer.start()
    for _ in range(1000):
        if writer.figures.events == 0:
            break
        await asyncio.sleep(0.01)
    writer.stop()
    return writer.figures.events == 0
