"""An envelope that speaks of more records than came is told, where no pages are asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Fault
from tests.programs import kananas_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox
    from tests.programs import Outcome

ROWS = [{"id": number, "next": "x", "total": 99, "updated": "2026-01-05"} for number in (1, 2, 3)]


def read(sandbox: Sandbox, tmp_path: Path, envelope: Any, **settings: Any) -> Outcome:
    body = json.dumps(envelope)
    sandbox.faults.add(Fault(path="/action_manager.php", status=200, body=body, times=None))
    outcome = run_tap("tap_kananas", kananas_settings(sandbox, **settings), tmp_path)
    assert outcome.code == 0, outcome.err
    assert len(outcome.records) == len(ROWS)
    return outcome


@pytest.mark.parametrize("records_path", [None, "contacts"])
@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ({"total": 500}, "'total': 500"),
        ({"Total_Count": "1500"}, "'Total_Count': 1,500"),
        ({"next": "https://x.example/?page=2"}, "'next'"),
        ({"meta": {"pagination": {"totalPages": 5}}}, "'meta.pagination.totalPages': 5"),
        ({"links": {"next": {"href": "?page=2"}}}, "'links.next'"),
        ({"page": 1, "last_page": 2}, "'last_page': 2"),
        ({"has_more": True}, "'has_more'"),
    ],
)
def test_it_is_told(
    sandbox: Sandbox, tmp_path: Path, beside: dict[str, Any], said: str, records_path: str | None
) -> None:
    given = {} if records_path is None else {"records_path": records_path}
    for envelope in ({"contacts": ROWS, **beside}, {**beside, "contacts": ROWS}):
        outcome = read(sandbox, tmp_path, envelope, **given)
        assert f"3 records came, and beside them the service says {said}: there" in outcome.err
        assert "setting 'requests' (TAP_KANANAS_REQUESTS) have 'paging'" in outcome.err
        assert "x.example" not in outcome.err


@pytest.mark.parametrize(
    "envelope",
    [
        ROWS,
        {str(row["id"]): row for row in ROWS},
        {"count": 3, "total": "3", "page": 1, "pages": 1, "contacts": ROWS},
        {"next": None, "has_more": False, "next_page": 0, "nextCursor": "", "contacts": ROWS},
        {"links": {"next": None, "self": "?page=1"}, "contacts": ROWS},
        {"total": 512.5, "pages": [1, 2], "account": {"total": 500, "next": 2}, "contacts": ROWS},
    ],
)
def test_an_envelope_that_speaks_of_none_is_not(
    sandbox: Sandbox, tmp_path: Path, envelope: Any
) -> None:
    assert "more pages" not in read(sandbox, tmp_path, envelope).err


def test_a_count_of_all_is_none_of_those_that_changed(sandbox: Sandbox, tmp_path: Path) -> None:
    request = {
        "name": "contacts", "request": "contacts",
        "replication_key": "updated", "replication_parameter": "since",
    }  # fmt: skip
    body = json.dumps({"contacts": ROWS, "total": 500})
    sandbox.faults.add(Fault(path="/action_manager.php", status=200, body=body, times=None))
    settings = kananas_settings(sandbox, requests=[request])
    first = run_tap("tap_kananas", settings, tmp_path)
    assert "'total': 500" in first.err
    later = run_tap("tap_kananas", settings, tmp_path, state=first.state)
    assert later.code == 0, later.err
    assert "more pages" not in later.err
