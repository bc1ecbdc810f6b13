"""What linking costs is measured beside a build over nothing, and may be limited."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.e2e.checkout import ROOT
from tests.warm_dbt import DBT


def test_a_build_is_measured_beside_an_empty_one_and_may_cost_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What a copy of a process that runs already takes is nothing of the command's.
    monkeypatch.setenv("DBT_EXECUTABLE", str(DBT))
    command = [sys.executable, "-m", "benchmarks.linkage.build", "--records", "100"]
    run = subprocess.run(
        [*command, "--most-seconds", "100", "--most-megabytes", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    assert re.fullmatch(r"MB: [\d,.]+, at most 1\.0 is allowed\n", run.stderr)
    figures = {
        name: (float(seconds), float(processor), int(megabytes))
        for name, seconds, processor, megabytes in re.findall(
            r"^  (no rows|100 each|linking) +(-?[\d.]+) +(-?[\d.]+) +(\d+)$",
            run.stdout,
            re.MULTILINE,
        )
    }
    empty, full, linking = figures["no rows"], figures["100 each"], figures["linking"]
    assert min(empty) > 0
    assert linking[1] == pytest.approx(full[1] - empty[1], abs=0.2)
    assert linking[2] == full[2]


def test_a_wrong_number_is_wrong_usage() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.linkage.build", "--records", "-1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1, run.stderr
