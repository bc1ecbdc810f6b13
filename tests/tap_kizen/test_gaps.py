"""A page that is not found in the middle of a list does not make the list shorter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Fault
from tests.programs import kizen_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

CONTACTS = "/api/records/client_client/search"
GONE = "was not found, though page 2 names a next one"


def whole(outcome: Any) -> set[str]:
    return {message["stream"] for message in outcome.of_type("ACTIVATE_VERSION")}


@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize(
    ("stream", "path"),
    [("companies", "/api/company"), ("client_client", CONTACTS), ("team", "/api/team")],
)
def test_a_page_that_is_not_found_is_told(
    sandbox: Sandbox, tmp_path: Path, stream: str, path: str, window: int
) -> None:
    size = 1 if stream == "team" else 7
    settings = kizen_settings(sandbox, page_size=size, concurrent_requests=window)
    first = run_tap("tap_kizen", settings, tmp_path)
    assert first.code == 0, first.err
    assert stream in whole(first)
    sandbox.faults.add(Fault(path=path, query="page=3&", status=404, times=None))
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 0, outcome.err
    assert f"{stream}: page 3 {GONE}" in outcome.err
    assert stream not in whole(outcome)
    bookmark = outcome.state["bookmarks"].get(stream, {})
    assert "replication_key_value" not in bookmark


def test_a_page_that_is_not_found_once_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kizen_settings(sandbox, page_size=7, concurrent_requests=1)
    sandbox.faults.add(Fault(path=CONTACTS, query="page=3&", status=404))
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert f"client_client: page 3 {GONE}" in outcome.err
    assert "client_client" not in whole(outcome)


def test_kinds_of_activity_that_are_not_found_take_no_activities_along(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = kizen_settings(sandbox, page_size=1)
    sandbox.faults.add(Fault(path="/api/activities", query="page=2&", status=404, times=None))
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 0, outcome.err
    assert not {"activity_types", "logged_activities"} & whole(outcome)


def test_objects_that_are_not_found_are_not_left_out(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kizen_settings(sandbox, page_size=1)
    sandbox.faults.add(Fault(path="/api/custom-objects", query="page=2&", status=404, times=None))
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 1
    assert "custom_objects: page 2 was not found, though page 1" in outcome.last_line
