"""By default a tap says what a person wants to know, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.server import Fault
from tests.programs import kananas_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox


@pytest.fixture(autouse=True)
def no_level_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGLEVEL", "TAP_KANANAS_LOGLEVEL"):
        monkeypatch.delenv(name, raising=False)


def test_one_line_by_default(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    outcome = run_tap("tap_kananas", kananas_settings(shared_sandbox), tmp_path)
    (line,) = outcome.err.splitlines()
    assert line.endswith("columns found at 'contacts', key id")


@pytest.mark.parametrize("name", ["LOGLEVEL", "TAP_KANANAS_LOGLEVEL"])
def test_a_level_that_is_asked_for_shows_the_rest(
    shared_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "info")
    outcome = run_tap("tap_kananas", kananas_settings(shared_sandbox), tmp_path)
    assert "Beginning sync" in outcome.err
    assert "METRIC" in outcome.err


def test_a_level_that_is_asked_for_hides_the_rest(
    shared_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_KANANAS_LOGLEVEL", "error")
    assert run_tap("tap_kananas", kananas_settings(shared_sandbox), tmp_path).err == ""


def test_a_failure_is_one_line_after_all_tries(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(Fault(path="/action_manager.php", status=503, times=None))
    settings = kananas_settings(sandbox, request_tries=2)
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 1
    assert len(list(sandbox.requests)) == 2
    (line,) = outcome.err.splitlines()
    assert "answered 503" in line
