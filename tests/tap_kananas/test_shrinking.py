"""No answer empties a table by mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Fault
from tests.programs import kananas_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

SCRIPT = "/action_manager.php"


def keep(sandbox: Sandbox, number: int) -> None:
    with sandbox.account.contacts.lock:
        del sandbox.account.contacts[number:]


def test_the_state_says_how_many_rows_there_were(sandbox: Sandbox, tmp_path: Path) -> None:
    outcome = run_tap("tap_kananas", kananas_settings(sandbox), tmp_path)
    assert outcome.state["bookmarks"]["contacts"]["rows"] == 120


@pytest.mark.parametrize(("left", "accepted"), [(60, True), (59, False), (0, False)])
def test_half_of_the_rows_may_vanish_at_once(
    sandbox: Sandbox, tmp_path: Path, left: int, *, accepted: bool
) -> None:
    settings = kananas_settings(sandbox)
    state = run_tap("tap_kananas", settings, tmp_path).state
    keep(sandbox, left)
    outcome = run_tap("tap_kananas", settings, tmp_path, state=state)
    assert (outcome.code == 0) is accepted
    assert len(outcome.of_type("ACTIVATE_VERSION")) == int(accepted)
    if not accepted:
        assert outcome.records == []
        assert f"{left} records, where there were 120 the last time" in outcome.last_line
        assert "run once with TAP_KANANAS_MAX_SHRINK=100" in outcome.last_line
        # What is not accepted is not remembered either.
        for message in outcome.of_type("STATE"):
            assert message["value"]["bookmarks"]["contacts"]["rows"] == 120
        accepting = {**settings, "max_shrink": 100}
        accepted_now = run_tap("tap_kananas", accepting, tmp_path, state=state)
        assert accepted_now.code == 0, accepted_now.err
        assert len(accepted_now.of_type("ACTIVATE_VERSION")) == 1
        assert accepted_now.state["bookmarks"]["contacts"]["rows"] == left


def test_an_emptied_account_keeps_the_type_of_its_key(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kananas_settings(sandbox, max_shrink=100)
    first = run_tap("tap_kananas", settings, tmp_path)
    keep(sandbox, 0)
    second = run_tap("tap_kananas", settings, tmp_path, state=first.state)
    assert second.code == 0, second.err
    before = first.of_type("SCHEMA")[0]["schema"]["properties"]["id"]
    assert second.of_type("SCHEMA")[0]["schema"]["properties"] == {"id": before}
    assert before["type"] == ["integer"]


def test_a_list_may_have_a_least_length(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kananas_settings(shared_sandbox, min_records=121)
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 1
    assert "120 records, where setting 'min_records' asks for 121" in outcome.last_line
    assert not outcome.of_type("ACTIVATE_VERSION")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 200, "body": '{"error": "no such key"}'},
        {"status": 200, "body": ""},
        {"status": 500},
        {"status": 302, "headers": {"Location": "/login"}},
        {"truncate": 500},
        {"break_after": 500},
        {"close": True},
    ],
)
def test_a_failed_answer_changes_nothing(
    sandbox: Sandbox, tmp_path: Path, fault: dict[str, Any]
) -> None:
    settings = kananas_settings(sandbox, request_tries=1)
    state = run_tap("tap_kananas", settings, tmp_path).state
    sandbox.faults.add(Fault(path=SCRIPT, times=None, **fault))
    outcome = run_tap("tap_kananas", settings, tmp_path, state=state)
    assert outcome.code == 1
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_connection_that_breaks_within_the_body_is_tried_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults.add(Fault(path=SCRIPT, break_after=500))
    outcome = run_tap("tap_kananas", kananas_settings(sandbox), tmp_path)
    assert outcome.code == 0, outcome.err
    assert len(outcome.records) == 120
