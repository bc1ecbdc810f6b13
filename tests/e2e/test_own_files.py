"""An account's own files: an upgrade never meets them, and each command of Meltano goes by them."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.checkout import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.checkout import Checkout

TRACKED = (
    ".env.example", ".gitignore", "config/meltano.example.yml", "config/vars.example.yml",
    "dbt_project/dbt_project.yml", "meltano.yml",
)  # fmt: skip
OWN = {
    ".env": "TAP_KANANAS_SECRET_KEY=mine\nREFRESH_SOURCES=kananas\n",
    "config/vars.yml": "freshness_warn_hours: 40\n",
    "config/meltano.yml": (ROOT / "config" / "meltano.example.yml").read_text(encoding="utf-8"),
}


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody who has set nothing up."""
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    command = ["git", *who, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
def test_an_upgrade_meets_nothing_of_an_account(installed: Checkout, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for name in TRACKED:
        (ours / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, ours / name)
    git(ours, "init", "--quiet")
    git(ours, "add", "--all")
    git(ours, "commit", "--quiet", "--message=Old")
    git(tmp_path, "clone", "--quiet", str(ours), str(theirs))
    for name, text in OWN.items():
        (theirs / name).touch(mode=0o600)
        (theirs / name).write_text(text, encoding="utf-8")
    # The new version changes all that it may.
    for name in TRACKED:
        with (ours / name).open("a", encoding="utf-8") as file:
            file.write("# of a newer version\n")
    git(ours, "commit", "--quiet", "--all", "--message=New")
    git(theirs, "pull", "--quiet", "--ff-only")
    assert git(theirs, "status", "--porcelain") == ""
    assert {name: (theirs / name).read_text(encoding="utf-8") for name in OWN} == OWN
    assert "# of a newer version" in (theirs / "meltano.yml").read_text(encoding="utf-8")

    def said(*command: str) -> str:
        environment = installed.environment
        return subprocess.run(
            command, cwd=theirs, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    program = installed.path / ".venv" / "bin" / "refresh"
    assert said(str(program), "check") == "Nothing is wrong in .env and in config/\n"
    meltano = installed.meltano("--log-level=error", "--environment=prod")
    schedules = json.loads(said(*meltano, "schedule", "list", "--format=json"))["schedules"]["job"]
    # Meltano lists twice what is included.
    assert {each["name"] for each in schedules} == {"refresh", "nightly"}
    config = json.loads(said(*meltano, "config", "print", "tap-kananas"))
    assert config["stream_maps"] == {"contacts": {"mobile": "__NULL__"}}
