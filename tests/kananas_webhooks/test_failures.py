"""A store that cannot be written: 503, and nothing that was acknowledged is lost."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.kananas_webhooks.receivers import ReceiverProcess
from tests.programs import kananas_settings, run_tap

if TYPE_CHECKING:
    import requests

    from sandbox.server import Sandbox

BODY = b'{"id": "%d", "note": "' + b"x" * 20_000 + b'"}'

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux changes another's limits")


def fill(receiver: ReceiverProcess) -> tuple[list[bytes], requests.Response]:
    """Send until one is refused; give what was accepted, and the refusal."""
    accepted: list[bytes] = []
    while len(accepted) < 1000:
        body = BODY % len(accepted)
        answer = receiver.send(body)
        if answer.status_code != 202:
            return accepted, answer
        accepted.append(body)
    pytest.fail("nothing was refused")


def bodies(store: Path) -> list[bytes]:
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute("select body from events order by sequence").fetchall()
    return [body for (body,) in rows]


def test_a_locked_store_refuses(tmp_path: Path) -> None:
    with ReceiverProcess(tmp_path / "receiver") as receiver:
        assert receiver.send("1").status_code == 202
        with closing(sqlite3.connect(receiver.store, isolation_level=None)) as other:
            other.execute("begin immediate")
            answer = receiver.send("2")
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert answer.content == b""
            assert receiver.health()["code"] == 503
            other.execute("rollback")
        assert receiver.send("3").status_code == 202
        assert receiver.health()["code"] == 200
        assert bodies(receiver.store) == [b"1", b"3"]


@linux
def test_a_file_that_cannot_grow_refuses(tmp_path: Path) -> None:
    with ReceiverProcess(tmp_path / "receiver") as receiver:
        assert receiver.send("1").status_code == 202
        process = psutil.Process(receiver.pid)
        before = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (0, before[1]))
        answer = receiver.send("2")
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert receiver.health()["code"] == 503
        process.rlimit(psutil.RLIMIT_FSIZE, before)
        assert receiver.send("3").status_code == 202
        assert receiver.health()["code"] == 200
        assert bodies(receiver.store) == [b"1", b"3"]


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _may_mount(), reason="no file system may be mounted here")
def test_a_full_disk_refuses(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    shell = f'mount -t tmpfs -o size=1m tmpfs "{disk}" && mkdir "{disk}/in" && exec "$@"'
    prefix = ("unshare", "-Urm", "sh", "-c", shell, "sh")
    with ReceiverProcess(
        tmp_path / "receiver", "--folder", str(disk / "in"), prefix=prefix
    ) as receiver:
        # Only the receiver sees what is mounted.
        receiver.found_at = Path(f"/proc/{receiver.pid}/root{disk}/in")
        accepted, refusal = fill(receiver)
        assert accepted
        assert (refusal.status_code, refusal.headers["Retry-After"]) == (503, "60")
        copy = shutil.copytree(receiver.found_at, tmp_path / "copy")
        assert bodies(copy / "events.sqlite") == accepted


def test_a_full_store_refuses_until_events_have_been_extracted(
    tmp_path: Path, shared_sandbox: Sandbox
) -> None:
    with ReceiverProcess(tmp_path / "receiver", "--max-store", "1") as receiver:
        settings = kananas_settings(shared_sandbox, webhook_store=str(receiver.store))
        accepted, refusal = fill(receiver)
        assert len(accepted) > 10
        assert (refusal.status_code, refusal.headers["Retry-After"]) == (503, "60")
        assert bodies(receiver.store) == accepted
        first = run_tap("tap_kananas", settings, tmp_path)
        # Whether they were loaded, the tap learns from the state of the next run.
        assert receiver.send(accepted[0]).status_code == 503
        second = run_tap("tap_kananas", settings, tmp_path, state=first.state)
        more, _ = fill(receiver)
        assert more
        third = run_tap("tap_kananas", settings, tmp_path, state=second.state)
    read = [run.records_of("webhook_events") for run in (first, second, third)]
    assert [[row["body"].encode() for row in rows] for rows in read] == [accepted, [], more]


def test_a_store_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "events.sqlite").write_text("not a database, but long enough to be looked at" * 9)
    command = [sys.executable, "-m", "kananas_webhooks", "serve", "--folder", str(tmp_path)]
    done = subprocess.run([*command, "--port", "0"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr == f"kananas-webhooks: {tmp_path / 'events.sqlite'}: file is not a database\n"
    )
