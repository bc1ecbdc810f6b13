"""Processes of Meltano that one server forks: as those of a program of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from refresh import meltano_program
from refresh.meltano_program import MeltanoProcess

# Says what it is; fails, or stays until it is ended.
CLI = """
import json, os, sys
imported_by = os.getpid()
def main():
    print(json.dumps({
        "imported_by": imported_by, "arguments": sys.argv[1:], "folder": os.getcwd(),
        "is_leader": os.getsid(0) == os.getpid(), "has": sorted(os.environ),
    }))
    print("é", file=sys.stderr)
    if "stay" in sys.argv:
        import signal; signal.pause()
    sys.exit(3)
"""


@pytest.fixture(autouse=True)
def meltano(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meltano").mkdir()
    (tmp_path / "meltano" / "__init__.py").touch()
    (tmp_path / "meltano" / "cli.py").write_text(CLI, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    # The server is a Python of its own.
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_processes_of_one_import_are_on_their_own(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    try:
        found = []
        for argument in ("first", "second"):
            process = MeltanoProcess([argument], tmp_path, {"HERE": "1"}, lock)
            with process.stdout as said:
                line, other = said.readlines()
            assert process.wait() == process.poll() == 3
            found.append(json.loads(line))
            assert other == "é\n"
            assert process.pid not in {found[-1]["imported_by"], os.getpid()}
        staying = MeltanoProcess(["stay"], tmp_path, {}, lock)
        with staying.stdout as said:
            said.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                staying.wait(0.01)
            os.killpg(staying.pid, signal.SIGTERM)
            assert staying.wait() == -signal.SIGTERM
    finally:
        os.close(lock)
    assert [each["arguments"] for each in found] == [["first"], ["second"]]
    assert len({each["imported_by"] for each in found} - {os.getpid()}) == 1
    for each in found:
        assert each["is_leader"]
        assert each["folder"] == str(tmp_path)
        assert set(each["has"]) <= {"HERE", "LC_CTYPE"}


def test_only_meltano_of_this_environment_is_imported(tmp_path: Path) -> None:
    assert not meltano_program.is_here(str(tmp_path / "meltano"))
    assert not meltano_program.is_here("meltano")
    assert meltano_program.is_here(str(Path(sys.executable).with_name("meltano")))
