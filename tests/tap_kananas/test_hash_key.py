"""A key made from the record, for accounts in which no column will do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Fault
from tests.programs import kananas_settings, run_tap
from tests.tap_kananas.changing_service import NOTATIONS, Service, running

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

ROWS = [{"name": "Léa"}, {"name": "Max"}, {"name": "Léa"}]


def serve(sandbox: Sandbox, rows: list[dict[str, str]]) -> None:
    sandbox.faults.clear()
    sandbox.faults.add(Fault(status=200, body=json.dumps(rows), times=None))


def test_it_is_taken_only_when_it_is_asked_for(sandbox: Sandbox, tmp_path: Path) -> None:
    serve(sandbox, ROWS)
    outcome = run_tap("tap_kananas", kananas_settings(sandbox), tmp_path)
    assert outcome.code == 1
    assert "'record_hash' can: a hash of the whole record" in outcome.last_line


def test_rows_keep_their_key_in_any_order(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kananas_settings(sandbox, primary_keys=["record_hash"])
    keys = []
    for rows in (ROWS, ROWS[::-1]):
        serve(sandbox, rows)
        outcome = run_tap("tap_kananas", settings, tmp_path)
        assert outcome.code == 0, outcome.err
        assert outcome.of_type("SCHEMA")[0]["key_properties"] == ["record_hash"]
        assert sorted(record["name"] for record in outcome.records) == ["Léa", "Léa", "Max"]
        keys.append({record["record_hash"] for record in outcome.records})
    assert keys[0] == keys[1]
    assert len(keys[0]) == 3


def paged(service: Service, *keys: str) -> dict[str, Any]:
    paging = {"kind": "page", "parameter": "page", "size_parameter": "limit", "size": 10}
    request = {
        "name": "contacts",
        "request": "contacts",
        "primary_keys": list(keys),
        "paging": paging,
    }
    return {
        "api_url": service.url,
        "secret_key": "invented",
        "rate_limit": 1000,
        "requests": [request],
    }


@pytest.mark.parametrize("key", ["record_hash", "id"])
def test_a_row_deleted_while_pages_are_read_doubles_no_other(tmp_path: Path, key: str) -> None:
    service = Service(NOTATIONS["UTC"])
    for number in range(45):
        service.change(number, f"c{number}")

    def delete_after_the_third_page(number: int) -> None:
        if number == 3:
            del service.contacts[0]

    service.after_response = delete_after_the_third_page
    with running(service):
        outcome = run_tap("tap_kananas", paged(service, key), tmp_path)
    assert outcome.code == 0, outcome.err
    assert sorted(record["id"] for record in outcome.records) == list(range(45))


def test_a_row_without_a_key_on_a_page_that_moved_is_told(tmp_path: Path) -> None:
    service = Service(NOTATIONS["UTC"])
    for number in range(45):
        service.change(number, f"c{number}")

    def move_after_the_third_page(number: int) -> None:
        if number == 3:
            del service.contacts[0]
            service.contacts[30]["id"] = None

    service.after_response = move_after_the_third_page
    with running(service):
        outcome = run_tap("tap_kananas", paged(service, "id"), tmp_path)
    assert outcome.code == 1
    assert "the key 'id' is missing or empty in 1 of 45 records" in outcome.last_line
