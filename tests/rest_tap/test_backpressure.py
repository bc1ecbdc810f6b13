"""Batch files wait for the loader in bounded number and size, and the tap never waits in vain."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from rest_tap.writers import backpressure
from rest_tap.writers.backpressure import MOST_FILES, Backpressure
from tests.programs import kizen_settings, run_tap
from tests.target_duckdb.helpers import query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.server import Sandbox

SECONDS = 60
QUIET_SECONDS = 0.5


def wait_until(is_reached: Callable[[], bool]) -> None:
    due = monotonic() + SECONDS
    while not is_reached():
        assert monotonic() < due
        sleep(0.005)


class TapProcess:
    """A tap that writes a file for each record, and what it has said so far."""

    def __init__(self, server: Sandbox, folder: Path) -> None:
        self.root = folder / "batches"
        batch_config = {
            "encoding": {"format": "jsonl", "compression": "none"},
            "storage": {"root": self.root.as_uri()},
            "batch_size": 1,
        }
        settings = folder / "tap.json"
        settings.write_text(json.dumps(kizen_settings(server, batch_config=batch_config)))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tap_kizen", "--config", str(settings)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.messages = b""

    def read(self, seconds: float) -> bytes:
        """Take in what has come, or comes within some seconds."""
        assert self.process.stdout is not None
        said = self.process.stdout.fileno()
        if not select.select([said], [], [], seconds)[0]:
            return b""
        found = os.read(said, 1 << 16)
        self.messages += found
        return found

    @property
    def told(self) -> list[Path]:
        """The files in the messages that have come whole."""
        whole = self.messages[: self.messages.rfind(b"\n") + 1]
        return [
            Path(unquote(urlsplit(address).path))
            for line in whole.splitlines()
            if b'"BATCH"' in line
            for address in json.loads(line)["manifest"]
        ]

    @property
    def lying(self) -> int:
        """How many files are there."""
        return sum(file.is_file() for file in self.root.rglob("*"))

    def fall_behind(self) -> None:
        """Read the first file, then nothing but messages, until there are as many as may be."""
        wait_until(lambda: bool(self.read(0) and self.told))
        self.told[0].unlink()
        wait_until(lambda: not self.read(0) and self.lying >= MOST_FILES)


@pytest.fixture
def tap(shared_sandbox: Sandbox, tmp_path: Path) -> Iterator[TapProcess]:
    program = TapProcess(shared_sandbox, tmp_path)
    with program.process:
        yield program
        program.process.kill()


def test_a_loader_that_falls_behind_is_waited_for(tap: TapProcess) -> None:
    tap.fall_behind()
    due = monotonic() + QUIET_SECONDS
    while monotonic() < due:
        tap.read(0.01)
        assert tap.lying == MOST_FILES
    done = 1
    is_open = True
    while is_open:
        told = tap.told
        for file in told[done:]:
            file.unlink()
            assert tap.lying <= MOST_FILES
        done = len(told)
        is_open = bool(tap.read(SECONDS))
    assert tap.process.wait(SECONDS) == 0
    assert done > 2 * MOST_FILES


def test_a_loader_that_removes_none_is_not_waited_for(tap: TapProcess) -> None:
    while tap.read(SECONDS):
        pass
    assert tap.process.wait(SECONDS) == 0
    assert tap.lying == len(tap.told) > 2 * MOST_FILES


def test_a_loader_that_has_ended_is_not_waited_for(tap: TapProcess) -> None:
    tap.fall_behind()
    assert tap.process.stdout is not None
    tap.process.stdout.close()
    assert tap.process.wait(SECONDS) != 0


def test_a_stop_is_not_held_up(tap: TapProcess) -> None:
    tap.fall_behind()
    tap.process.send_signal(signal.SIGINT)
    assert tap.process.wait(SECONDS) == 128 + signal.SIGINT
    while tap.read(SECONDS):
        pass
    assert tap.messages.endswith(b"}\n")


def test_a_loader_that_removes_no_more_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backpressure, "PATIENCE_SECONDS", 0.1)
    waiting = Backpressure(logging.getLogger("tap"))
    with Path(os.devnull).open("w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        for number in range(4 * MOST_FILES):
            waiting.wait()
            file = tmp_path / f"{number}"
            file.touch()
            waiting.add(file, 0)
            (tmp_path / "3").unlink(missing_ok=True)
    (line,) = caplog.messages
    assert "the loader has removed no batch file for" in line


def test_bytes_count_as_well_as_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backpressure, "MOST_BYTES", 1000)
    waiting = Backpressure(logging.getLogger("tap"))
    looks = 0

    def reads_the_oldest(_seconds: float) -> bool:
        nonlocal looks
        looks += 1
        min(tmp_path.iterdir()).unlink()
        return False

    monkeypatch.setattr(backpressure, "_is_pipe_broken_within", reads_the_oldest)
    for number in range(10):
        waiting.wait()
        assert len(list(tmp_path.iterdir())) < 4
        file = tmp_path / f"{number}"
        file.touch()
        waiting.add(file, 300)
        (tmp_path / "0").unlink(missing_ok=True)
    assert looks == 5


class Pipeline:
    """A tap that writes a file for each record, stopped after some, and the loader behind it."""

    def __init__(self, server: Sandbox, folder: Path, database: Path) -> None:
        folder.mkdir()
        self.database = database
        settings = folder / "target.json"
        settings.write_text(json.dumps({"path": str(self.database)}))
        self.tap = TapProcess(server, folder)
        wait_until(lambda: self.tap.lying > 1)
        self.tap.process.send_signal(signal.SIGSTOP)
        self.loader = subprocess.Popen(
            [sys.executable, "-m", "target_duckdb", "--config", str(settings)],
            stdin=self.tap.process.stdout,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert self.tap.process.stdout is not None
        self.tap.process.stdout.close()
        first = next(self.tap.root.rglob("000001.jsonl"))
        wait_until(lambda: not first.exists())

    def rows(self) -> dict[str, int]:
        names = query(self.database, "SELECT table_name FROM duckdb_tables()")
        return {
            name: query(self.database, f'SELECT count(*) FROM "{name}"')[0][0] for (name,) in names
        }


def test_into_duckdb(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    """The loader removes what it has read before it commits, and nothing is lost by that."""
    broken = Pipeline(shared_sandbox, tmp_path / "broken", tmp_path / "w.duckdb")
    broken.loader.kill()
    broken.loader.wait(SECONDS)
    broken.tap.process.send_signal(signal.SIGCONT)
    assert broken.tap.process.wait(SECONDS) != 0
    assert not broken.database.exists()

    again = Pipeline(shared_sandbox, tmp_path / "again", tmp_path / "w.duckdb")
    again.loader.send_signal(signal.SIGSTOP)
    again.tap.process.send_signal(signal.SIGCONT)
    wait_until(lambda: again.tap.lying >= MOST_FILES)
    again.loader.send_signal(signal.SIGCONT)
    while again.loader.poll() is None:
        assert again.tap.lying <= MOST_FILES
    assert again.loader.returncode == again.tap.process.wait(SECONDS) == 0
    assert again.tap.lying == 0
    served = run_tap("tap_kizen", kizen_settings(shared_sandbox), tmp_path)
    assert again.rows() == {name: len(served.records_of(name)) for name in served.streams}
    assert len(served.records) > 2 * MOST_FILES
