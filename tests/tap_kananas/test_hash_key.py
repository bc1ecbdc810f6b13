"""A key made from the record, for accounts in which no column will do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.server import Fault
from tests.programs import kananas_settings, run_tap

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
