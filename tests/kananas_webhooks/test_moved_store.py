"""The store's files removed or replaced under a running receiver."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from kananas_webhooks.store import Store, StoreError
from kananas_webhooks.writer import Writer
from tests.kananas_webhooks.receivers import ReceiverProcess
from tests.kananas_webhooks.test_failures import bodies
from tests.kananas_webhooks.test_store import event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REMOVED = "was removed or replaced: events go to the file that stands there now"


def new_store(folder: Path) -> Path:
    """Return a store of its own, as somebody might restore it."""
    path = folder / "restored.sqlite"
    with closing(Store(path)) as store:
        store.append([event(b"restored")])
    return path


def test_events_go_to_a_new_file_where_the_store_was_removed(tmp_path: Path) -> None:
    with ReceiverProcess(tmp_path / "receiver") as receiver:
        assert receiver.send("1").status_code == 202
        last = receiver.events()[-1]["sequence"]
        receiver.store.unlink()
        for body in ("2", "3"):
            assert receiver.send(body).status_code == 202
        assert bodies(receiver.store) == [b"2", b"3"]
        assert stat.S_IMODE(receiver.store.stat().st_mode) == 0o600
        assert receiver.events()[0]["sequence"] > last
        health = receiver.health()
        assert (health["code"], health["events"], health["waiting"]) == (200, 2, 2)
        assert receiver.log.count(REMOVED) == 1
        receiver.kill()
        receiver.start()
        assert bodies(receiver.store) == [b"2", b"3"]


@pytest.mark.parametrize("leftover", [True, False])
def test_events_go_to_the_file_that_took_the_place(tmp_path: Path, *, leftover: bool) -> None:
    with ReceiverProcess(tmp_path / "receiver") as receiver:
        assert receiver.send("1").status_code == 202
        restored = new_store(tmp_path)
        if not leftover:
            for file in receiver.folder.glob("events.sqlite-*"):
                file.unlink()
        restored.replace(receiver.store)
        assert receiver.health()["events"] == 1
        assert receiver.send("2").status_code == 202
        assert bodies(receiver.store) == [b"restored", b"2"]
        assert receiver.log.count(REMOVED) == 1
        receiver.kill()
        receiver.start()
        assert bodies(receiver.store) == [b"restored", b"2"]


def overwrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def cut(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


PAGE = 4096


@pytest.mark.parametrize(
    ("touch", "kept", "asides"),
    [
        (lambda store, _: overwrite(store, b""), [], 1),
        (lambda store, _: overwrite(store, b"no database" * 10_000), [], 1),
        (lambda store, _: cut(store, 10 * PAGE), [], 1),
        (lambda store, other: overwrite(store, other.read_bytes()), [b"restored"], 0),
        (lambda store, _: cut(store.with_name(store.name + "-wal"), 0), None, 0),
        (lambda store, _: cut(store.with_name(store.name + "-wal"), PAGE), None, 0),
    ],
    ids=["emptied", "garbage", "cut", "copied over", "log emptied", "log cut"],
)
def test_events_are_safe_where_somebody_writes_to_the_files(
    tmp_path: Path, touch: Callable[[Path, Path], None], kept: list[bytes] | None, asides: int
) -> None:
    path = tmp_path / "events.sqlite"
    before = [str(number).encode() * 20_000 for number in range(300)]
    with closing(Store(path)) as store:
        store.append([event(body) for body in before])  # so many go into the store at once
        store.append([event(b"in the log")])
        last = store.last_sequence
        touch(path, new_store(tmp_path))
        assert not store.is_untouched()
        store.append([event(b"after")])
        assert store.is_untouched()
        assert store.last_sequence > last
        store.append([event(b"more")])
        assert bodies(path) == [*(before if kept is None else kept), b"after", b"more"]
    assert bodies(path) == [*(before if kept is None else kept), b"after", b"more"]
    assert len(list(tmp_path.glob("events.sqlite.damaged-*"))) == asides
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_store_without_its_table_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with closing(Store(path)) as store:
        store.append([event(b"1")])
        with closing(sqlite3.connect(path)) as other:
            other.execute("drop table events")
        for _ in range(2):
            with pytest.raises(StoreError, match="no such table: events"):
                store.append([event(b"2")])


def test_who_extracts_may_put_the_log_into_the_store(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with closing(Store(path)) as store:
        store.append([event(b"1")])
        inode = path.stat().st_ino
        with closing(sqlite3.connect(path)) as other:
            other.execute("update extraction set sequence = (select max(sequence) from events)")
            other.commit()
            other.execute("pragma wal_checkpoint(truncate)")
        store.append([event(b"2")])
        assert bodies(path) == [b"1", b"2"]
        assert path.stat().st_ino == inode


@pytest.mark.parametrize("end", ["-wal", "-shm"])
def test_nothing_is_lost_where_the_log_of_the_store_was_removed(tmp_path: Path, end: str) -> None:
    with ReceiverProcess(tmp_path / "receiver") as receiver:
        for body in ("1", "2"):
            assert receiver.send(body).status_code == 202
        receiver.store.with_name(receiver.store.name + end).unlink()
        assert receiver.send("3").status_code == 202
        receiver.kill()
        assert bodies(receiver.store) == [b"1", b"2", b"3"]
        receiver.start()


def test_health_tells_that_nothing_can_stand_in_the_place_of_the_store(tmp_path: Path) -> None:
    with ReceiverProcess(tmp_path / "receiver") as receiver:
        assert receiver.send("1").status_code == 202
        receiver.store.unlink()
        receiver.store.mkdir()
        health = receiver.health()
        assert (health["code"], health["status"]) == (503, "the store cannot be written")
        assert str(receiver.store) in health["problem"]
        assert receiver.send("2").status_code == 503
        receiver.store.rmdir()
        assert receiver.send("3").status_code == 202
        assert receiver.health()["code"] == 200
        assert bodies(receiver.store) == [b"3"]


def test_a_file_that_is_no_store_refuses(tmp_path: Path) -> None:
    with ReceiverProcess(tmp_path / "receiver") as receiver:
        (tmp_path / "other").write_bytes(b"no database, but long enough to be looked at" * 100)
        (tmp_path / "other").replace(receiver.store)
        assert receiver.health()["code"] == 503
        assert receiver.send("1").status_code == 503
        receiver.store.unlink()
        assert receiver.send("2").status_code == 202


def test_who_asks_while_the_store_is_opened_anew_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.sqlite"
    is_opening, may_open = threading.Event(), threading.Event()
    connect = sqlite3.connect

    def connect_late(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        is_opening.set()
        may_open.wait()
        connection: sqlite3.Connection = connect(*args, **kwargs)
        return connection

    async def ask(writer: Writer) -> None:
        check = asyncio.create_task(writer.check())
        await asyncio.sleep(0)
        assert not check.done()
        may_open.set()
        await check

    with closing(Store(path)) as store:
        writer = Writer(store)
        monkeypatch.setattr(sqlite3, "connect", connect_late)
        (tmp_path / "other").write_bytes(b"no database" * 10_000)
        (tmp_path / "other").replace(path)
        writer.start()
        try:
            is_opening.wait()
            asyncio.run(ask(writer))
        finally:
            may_open.set()
            writer.stop()
        assert writer.figures.problem is not None


def test_health_tells_where_the_folder_was_removed(tmp_path: Path) -> None:
    with ReceiverProcess(tmp_path / "receiver") as receiver:
        secret = receiver.secret
        # In one step: a store that is removed before its folder is made anew meanwhile.
        removed = receiver.folder.rename(tmp_path / "removed")
        shutil.rmtree(removed)
        health = receiver.health()
        assert (health["code"], health["status"]) == (503, "there is no secret")
        (receiver.folder / "secrets").write_text(f"{secret}\n", encoding="utf-8")
        assert receiver.send("1").status_code == 202
        assert receiver.health()["code"] == 200
        assert bodies(receiver.store) == [b"1"]


def test_an_event_that_was_written_as_the_store_was_removed_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.sqlite"
    with closing(Store(path)) as store:
        learnt = Store.is_in_place
        looks = iter([True])

        def removed_meanwhile(self: Store) -> bool:
            if next(looks, False):
                return True
            path.unlink(missing_ok=True)
            return learnt(self)

        monkeypatch.setattr(Store, "is_in_place", removed_meanwhile)
        with pytest.raises(StoreError, match="removed or replaced"):
            store.append([event(b"1")])
        monkeypatch.undo()
        store.append([event(b"2")])
        assert (store.events, bodies(path)) == (1, [b"2"])


@pytest.mark.parametrize("command", ["serve", "url", "rotate"])
def test_secrets_that_are_no_text_are_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "secrets").write_bytes(b"\xff\xfe secret")
    arguments = {"serve": ["serve", "--port", "0"], "url": ["url"], "rotate": ["url", "--rotate"]}
    program = [sys.executable, "-m", "kananas_webhooks", *arguments[command]]
    done = subprocess.run(
        [*program, "--folder", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"kananas-webhooks: {tmp_path / 'secrets'} is no text in UTF-8: remove it, and "
        "`kananas-webhooks url` makes a new secret\n"
    )


def test_secrets_that_become_unreadable_refuse_and_are_told(tmp_path: Path) -> None:
    with ReceiverProcess(tmp_path / "receiver") as receiver:
        address, secrets = receiver.address, receiver.folder / "secrets"
        good = secrets.read_bytes()
        secrets.write_bytes(b"\xff")
        health = receiver.health()
        assert (health["code"], health["status"]) == (503, "there is no secret")
        secret = address.rpartition("/")[2]
        secrets.write_bytes(good)
        assert receiver.send("1").status_code == 202
        assert "Traceback" not in receiver.log
        assert secret not in receiver.log
