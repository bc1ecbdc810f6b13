"""The secret of the address, and its rotation."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

import pytest

from kananas_webhooks.addresses import Secrets
from kananas_webhooks.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def _url(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> str:
    command = ["url", "--folder", str(folder), "--base-url", "https://hooks.example.org/"]
    assert main([*command, *arguments]) == 0
    out: str = capsys.readouterr().out
    return out.strip()


def test_url_prints_the_same_address_until_it_is_rotated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a" / "b"
    running = Secrets(folder / "secrets")
    assert not running.accept("")
    first = _url(capsys, folder)
    assert re.fullmatch(r"https://hooks\.example\.org/hooks/[\w-]{43}", first)
    assert _url(capsys, folder) == first
    second, third = _url(capsys, folder, "--rotate"), _url(capsys, folder, "--rotate")
    assert len({first, second, third}) == 3
    secrets = [address.rpartition("/")[2] for address in (first, second, third)]
    assert [running.accept(secret) for secret in secrets] == [False, True, True]
    assert _url(capsys, folder, "--retire") == third
    assert [running.accept(secret) for secret in secrets] == [False, False, True]


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "folder" / "secrets")
    secrets.rotate()
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["secrets"]
    assert stat.S_IMODE((tmp_path / "folder" / "secrets").stat().st_mode) == 0o600


@pytest.mark.parametrize("candidate", ["", "é", "x" * 100_000, "\udcff"])
def test_what_is_no_secret_is_not_accepted(tmp_path: Path, candidate: str) -> None:
    secrets = Secrets(tmp_path / "secrets")
    good = secrets.newest()
    assert secrets.accept(good)
    assert not secrets.accept(good[:-1])
    assert not secrets.accept(f"{good} ")
    assert not secrets.accept(candidate)
