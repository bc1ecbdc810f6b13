"""The crontab line and the systemd units of docs/operations.md do what it says."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from typing import TYPE_CHECKING

import pytest

from tests.console.report.reading import said
from tests.e2e.checkout import ROOT, settings_for

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox
    from tests.e2e.checkout import Checkout

FIELD = re.compile(r"^(\*|[0-9]+(-[0-9]+)?)(/[0-9]+)?(,[0-9]+)*$")
BUSY = 75
UNITS = ("kananas-kizen.service", "kananas-kizen.timer", "kananas-kizen-failed.service")


def _block(name: str) -> str:
    """Give the code block of docs/operations.md that follows a mark."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w*\n(.*?)```", page, re.DOTALL)
    assert found, name
    return found[1]


@pytest.fixture
def crontab_command() -> str:
    """The line's command, as cron hands it to the shell."""
    (line,) = _block("crontab").splitlines()
    *fields, command = line.split(maxsplit=5)
    assert all(FIELD.match(field) for field in fields)
    assert "%" not in command  # cron would end the line there
    return command


@pytest.fixture
def home(installed: Checkout, folder: Path) -> Path:
    """A home directory with the checkout where README.md puts it."""
    (folder / "kananas-kizen-elt").symlink_to(installed.path)
    return folder


def test_the_crontab_line_refreshes(
    installed: Checkout, shared_sandbox: Sandbox, home: Path, crontab_command: str
) -> None:
    database = home / "data" / "warehouse.duckdb"
    settings = {
        **settings_for(shared_sandbox),
        "DUCKDB_PATH": str(database),
        "DUCKDB_PUBLISH_DIR": str(home / "published"),
        "DUCKDB_RUNS_PATH": str(home / "runs" / "runs.jsonl"),
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",  # what cron gives
        # No more of a locale than there must be.
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
    }
    ended = installed.run("sh", "-c", crontab_command, **settings)
    # cron mails whatever is said.
    assert (ended.code, ended.said) == (0, "")
    for file in (database, home / "published" / "warehouse.duckdb", home / "runs" / "runs.jsonl"):
        assert file.stat().st_mode & 0o077 == 0, file
    published = home / "published" / "warehouse.duckdb"
    assert installed.rows(published, "select count(*) from marts.companies") == [(45,)]
    page = published.with_name("report.html").read_text(encoding="utf-8")
    assert "Tout est à jour." in said(page, "fr")


def test_the_crontab_line_refuses_while_a_run_goes_on(
    installed: Checkout, sandbox: Sandbox, home: Path, crontab_command: str
) -> None:
    runs = home / "runs.jsonl"
    settings = {**settings_for(sandbox), "HOME": str(home), "DUCKDB_RUNS_PATH": str(runs)}
    with (home / "refresh.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = installed.run("sh", "-c", crontab_command, **settings)
    assert (ended.code, ended.said) == (BUSY, "")
    assert len(sandbox.requests) == 0


def test_the_crontab_line_says_what_fails(
    installed: Checkout, home: Path, crontab_command: str
) -> None:
    settings = {"HOME": str(home), "DUCKDB_RUNS_PATH": str(home / "runs.jsonl")}
    settings["DUCKDB_PATH"] = str(home / "no.duckdb")
    ended = installed.run("sh", "-c", crontab_command, **settings)
    assert ended.code == 1
    assert "failed: kananas, setting 'secret_key' is missing" in ended.said


def _unit(name: str) -> ConfigParser:
    unit = ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment, method-assign] # systemd minds case
    unit.read_string(_block(name))
    return unit


def test_the_systemd_units_run_the_same(crontab_command: str) -> None:
    service, timer = _unit("kananas-kizen.service"), _unit("kananas-kizen.timer")
    folder = service["Service"]["WorkingDirectory"]
    command = service["Service"]["ExecStart"]
    assert folder == "%h/kananas-kizen-elt"
    assert command == f"{folder}/.venv/bin/refresh"
    assert command.removeprefix(f"{folder}/") in crontab_command
    assert service["Service"]["UMask"] == "0077"
    assert "umask 077" in crontab_command
    assert service["Service"]["SuccessExitStatus"] == str(BUSY)
    assert service["Unit"]["OnFailure"] == UNITS[2]
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
        units[-1].write_text(_block(name).replace("%h", str(tmp_path)), encoding="utf-8")
    command = ["systemd-analyze", "verify", "--user", *map(str, units)]
    # A manager of its own: no session need be logged in.
    environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
