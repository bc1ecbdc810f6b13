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
        ("learn", ["db", "vars"]),
        ("judges", ["sets"]),
        ("spark", ["db", "vars"]),
        ("spark-cluster", ["db", "vars"]),
    ],
)
def test_any_path_arrives(tmp_path: Path, goal: str, names: list[str]) -> None:
    arguments = _made(tmp_path, goal, *(f"{name.upper()}={ODD} {name}" for name in names))
    for name in names:
        assert arguments[arguments.index(f"--{name}") + 1] == f"{ODD} {name}"


@pytest.mark.parametrize(
    ("given", "asked"), [((), False), (("EXAMPLES=1",), True), (("EXAMPLES=0",), False)]
)
def test_names_are_printed_only_on_request(
    tmp_path: Path, given: tuple[str, ...], *, asked: bool
) -> None:
    assert ("--examples" in _made(tmp_path, "evaluate", *given)) == asked


def _made(tmp_path: Path, goal: str, *given: str) -> list[str]:
    """Return the arguments of the program that a goal of `make` starts."""
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
    make = ("make", "-s", "-o", ready, "-o", ".venv-spark/ready")
    run = subprocess.run(
        [*make, goal, "SPLINK=0", *made, *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    arguments: list[str] = json.loads(run.stdout)
    return arguments
