"""A few rounds of `make check-faults`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.target_duckdb import faults
from tests.target_duckdb.faults import Load, Message, apply, known

ROWS = {"s0": {("1", "5", None): 1, ("2", None, None): 1}}


def test_a_few_rounds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", faults.__name__, "--rounds", "4", "--seed", "smoke"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("seed smoke\n")
    assert done.stdout.endswith("4 rounds: nothing lost, nothing twice\n")


def test_the_expectation_knows_updates_and_deletes() -> None:
    load = Load(
        [
            Message("RECORD", "s0", 1, 4),
            Message("RECORD", "s0", 1, 5),
            Message("RECORD", "s0", 2),
            Message("RECORD", "s0", 3, 6),
            Message("RECORD", "s0", 3, 6, is_delete=True),
        ],
        {"s0": "keyed"},
    )
    assert apply({}, load, {"s0": False}, 0, 0, 5) == ROWS
    assert apply({}, load, {"s0": False}, 0, 0, 4) != ROWS


def test_a_line_that_lacks_its_end_alone_is_whole() -> None:
    lines = b'{"a": 1}\n{"b": 2}\n'
    assert known(lines, b"") == (b"", False)
    assert known(lines, lines[:7]) == (lines[:7], True)
    assert known(lines, lines[:8]) == (lines[:9], False)
    assert known(lines, lines[:9]) == (lines[:9], False)
    assert known(lines, lines) == (lines, False)
