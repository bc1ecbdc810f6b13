"""The crontab line and the systemd units of docs/operations.md do what it says."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from configparser import ConfigParser
from typing import TYPE_CHECKING

import pytest

from tests.console.report.reading import said
from tests.e2e.checkout import settings_for
from tests.e2e.installation import HOME_OF_CHECKOUT, block_of_operations, crontab_command

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox
    from tests.e2e.checkout import Checkout
    from tests.e2e.installation import GoodRun

BUSY = 75
UNITS = ("kananas-kizen.service", "kananas-kizen.timer", "kananas-kizen-failed.service")


@pytest.fixture
def home(installed: Checkout, folder: Path) -> Path:
    """A home directory with the checkout where README.md puts it."""
    (folder / HOME_OF_CHECKOUT).symlink_to(installed.path)
    return folder


def test_the_crontab_line_refreshes(installed: Checkout, good_run: GoodRun) -> None:
    # cron mails whatever is said.
    assert (good_run.ended.code, good_run.ended.said) == (0, "")
    published = good_run.left / "published" / "warehouse.duckdb"
    history = good_run.left / "runs" / "runs.jsonl"
    for file in (good_run.left / "data" / "warehouse.duckdb", published, history):
        assert file.stat().st_mode & 0o077 == 0, file
    assert installed.rows(published, "select count(*) from marts.companies") == [(45,)]
    page = published.with_name("report.html").read_text(encoding="utf-8")
    assert "Tout est à jour." in said(page, "fr")


def test_the_crontab_line_refuses_while_a_run_goes_on(
    installed: Checkout, sandbox: Sandbox, home: Path
) -> None:
    runs = home / "runs.jsonl"
    settings = {**settings_for(sandbox), "HOME": str(home), "DUCKDB_RUNS_PATH": str(runs)}
    with (home / "refresh.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = installed.run("sh", "-c", crontab_command(), **settings)
    assert (ended.code, ended.said) == (BUSY, "")
    assert len(sandbox.requests) == 0


def test_the_crontab_line_says_what_fails(installed: Checkout, home: Path) -> None:
    settings = {"HOME": str(home), "DUCKDB_RUNS_PATH": str(home / "runs.jsonl")}
    settings["DUCKDB_PATH"] = str(home / "no.duckdb")
    ended = installed.run("sh", "-c", crontab_command(), **settings)
    assert ended.code == 1
    assert "failed: kananas, setting 'secret_key' is missing" in ended.said


def _unit(name: str) -> ConfigParser:
    unit = ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment, method-assign] # systemd minds case
    unit.read_string(block_of_operations(name))
    return unit


def test_the_systemd_units_run_the_same() -> None:
    service, timer = _unit("kananas-kizen.service"), _unit("kananas-kizen.timer")
    folder = service["Service"]["WorkingDirectory"]
    command = service["Service"]["ExecStart"]
    assert folder == "%h/kananas-kizen-elt"
    assert command == f"{folder}/.venv/bin/refresh"
    assert command.removeprefix(f"{folder}/") in crontab_command()
    assert service["Service"]["UMask"] == "0077"
    assert "umask 077" in crontab_command()
    assert service["Service"]["SuccessExitStatus"] == str(BUSY)
    assert service["Unit"]["OnFailure"] == UNITS[2]
    # Some mailers deliver in the background: systemd would kill them once `mail` has ended.
    assert _unit(UNITS[2])["Service"]["KillMode"] == "process"
    assert service["Service"]["Type"] == "oneshot"  # of which systemd runs one at a time
    assert timer["Timer"]["OnCalendar"] == "hourly"
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_takes_the_units(installed: Checkout, tmp_path: Path) -> None:
    # systemd reads words before it puts in the home; here the home is part of what it reads, and so
    # has no space.
    (tmp_path / "kananas-kizen-elt").symlink_to(installed.path)
    units = []
    for name in UNITS:
        units.append(tmp_path / name)
        unit = block_of_operations(name).replace("%h", str(tmp_path))
        units[-1].write_text(unit, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--user", *map(str, units)]
    # A manager of its own: no session need be logged in.
    environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
