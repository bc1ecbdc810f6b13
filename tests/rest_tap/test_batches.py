"""Batch files: the same records as messages bring, private, and none left behind."""

from __future__ import annotations

import gzip
import json
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest

from rest_tap.writers import batches
from rest_tap.writers.backpressure import Backpressure
from target_duckdb.target import TargetDuckDB
from tests.programs import kizen_settings, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import Sandbox
    from tests.programs import Outcome


def settings_for(server: Sandbox, root: Path, compression: str = "none") -> dict[str, Any]:
    config = {
        "encoding": {"format": "jsonl", "compression": compression},
        "storage": {"root": root.as_uri()},
        "batch_size": 7,
    }
    return kizen_settings(server, objects=["client_client"], batch_config=config)


def files_of(outcome: Outcome) -> list[tuple[str, Path]]:
    return [
        (message["stream"], Path(unquote(urlsplit(address).path)))
        for message in outcome.of_type("BATCH")
        for address in message["manifest"]
    ]


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_files_hold_what_messages_bring(
    shared_sandbox: Sandbox, tmp_path: Path, compression: str
) -> None:
    root = tmp_path / "to come" / "batches"
    outcome = run_tap("tap_kizen", settings_for(shared_sandbox, root, compression), tmp_path)
    assert outcome.code == 0, outcome.err
    found: dict[str, list[Any]] = {}
    for stream, file in files_of(outcome):
        body = file.read_bytes()
        lines = (gzip.decompress(body) if compression == "gzip" else body).splitlines()
        assert 0 < len(lines) <= 7
        found.setdefault(stream, []).extend(map(json.loads, lines))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    messages = run_tap(
        "tap_kizen", kizen_settings(shared_sandbox, objects=["client_client"]), tmp_path
    )
    assert found == {
        stream: messages.records_of(stream)
        for stream in messages.streams
        if messages.records_of(stream)
    }


def folder_in(root: Path, name: str = "tap") -> batches.BatchFolder:
    return batches.BatchFolder(root, name, Backpressure(logging.getLogger(name)))


def test_files_are_bounded_in_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_FILE_BYTES", 3000)
    rows = [{"id": number, "half": "\ud800", "text": "x" * 200} for number in range(100)]
    folder = folder_in(tmp_path)
    pages = [rows[start : start + 5] for start in range(0, 100, 5)]
    addresses = list(folder.write(pages, None, 10_000))
    files = [Path(urlsplit(address).path) for address in addresses]
    assert len(files) > 5
    assert all(file.stat().st_size < 3000 + 5 * 300 for file in files)
    lines = [line for file in files for line in file.read_bytes().splitlines()]
    assert [json.loads(line) for line in lines] == rows


def rows_in(address: str) -> int:
    return Path(urlsplit(address).path).read_bytes().count(b"\n")


@pytest.mark.parametrize("max_rows", [1, 7, 40, 10_000])
def test_a_page_counts_as_sent_once_all_of_it_is_in_files(tmp_path: Path, max_rows: int) -> None:
    """What was read is noted when the next page is asked for, and told after each file."""
    noted = 0

    def pages() -> Iterator[list[int]]:
        nonlocal noted
        for size in (3, 20, 1, 50, 7):
            yield list(range(size))
            noted += size

    found = 0
    for address in folder_in(tmp_path).write(pages(), None, max_rows):
        assert 0 < rows_in(address) <= max_rows
        found += rows_in(address)
        assert noted <= found
    assert found == 81


@pytest.mark.parametrize("max_rows", [1, 7, 100, 150, 250])
def test_records_read_one_by_one_count_as_sent_once_they_are_in_files(
    tmp_path: Path, max_rows: int
) -> None:
    given = 0

    def records() -> Iterator[int]:
        nonlocal given
        for number in range(777):
            given += 1
            yield number

    pages = batches.pages_of(records(), max_rows)
    found = 0
    for address in folder_in(tmp_path).write(pages, None, max_rows):
        found += rows_in(address)
        assert found == given
    assert found == 777


def test_what_a_broken_run_left_goes_with_the_next(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / f"tap-kizen-{ended.pid}-abc"
    others = [
        tmp_path / f"tap-kizen-{os.getppid()}-running",
        tmp_path / f"tap-kananas-{ended.pid}-abc",
        tmp_path / "somebody's",
    ]
    for folder in (left, *others):
        folder.mkdir()
        (folder / "000001.jsonl").write_text("{}\n")
    folder_in(tmp_path, "tap-kizen")
    assert not left.exists()
    assert all((folder / "000001.jsonl").exists() for folder in others)


def test_the_loader_removes_them(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "batches"
    outcome = run_tap("tap_kizen", settings_for(shared_sandbox, root), tmp_path)
    assert all(file.exists() for _, file in files_of(outcome))
    messages = tmp_path / "messages"
    messages.write_text(outcome.out, encoding="utf-8")
    with messages.open(encoding="utf-8") as lines:
        TargetDuckDB(config={"path": str(tmp_path / "w.duckdb")}).listen(lines)
    assert not [file for file in root.rglob("*") if file.is_file()]


def test_a_folder_that_cannot_be_made_is_told(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = run_tap(
        "tap_kizen", settings_for(shared_sandbox, tmp_path / "file" / "batches"), tmp_path
    )
    assert outcome.code == 2
    assert "setting 'batch_config': no folder below" in outcome.last_line


@pytest.mark.parametrize(
    ("change", "package"),
    [
        ({"storage": {"root": "s3://bucket/folder"}}, "s3fs"),
        ({"encoding": {"format": "parquet"}}, "pyarrow"),
    ],
)
def test_a_package_that_is_not_there_is_told(
    shared_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    package: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    settings = settings_for(shared_sandbox, tmp_path / "batches")
    settings["batch_config"].update(change)
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 2
    assert "setting 'batch_config' needs a package that is not installed" in outcome.last_line
    assert package in outcome.last_line
    assert "Traceback" not in outcome.err
