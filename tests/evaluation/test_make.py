"""What is given to `make` arrives as it was written, quotes and spaces included."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ODD = """a folder/it's "odd" & `more`"""


@pytest.mark.parametrize(
    ("goal", "names"),
    [
        ("evaluate", ["db", "truth", "links", "keep", "vars", "floor", "sets"]),
        ("explain", ["db"]),
        ("spark", ["db", "vars"]),
    ],
)
def test_any_path_arrives(tmp_path: Path, goal: str, names: list[str]) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(
        f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n",
        encoding="utf-8",
    )
    python.chmod(0o755)
    ready = tmp_path / "ready"
    ready.touch()
    made = [f"{name}={tmp_path}" for name in ("DEV", "VENV", "DBT")]
    given = [f"{name.upper()}={ODD} {name}" for name in names]
    make = ("make", "-s", "-o", ready, "-o", ".venv-spark/ready")
    run = subprocess.run(
        [*make, goal, "SPLINK=0", *made, *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    arguments = json.loads(run.stdout)
    for name in names:
        assert arguments[arguments.index(f"--{name}") + 1] == f"{ODD} {name}"
