"""Stream maps that are wrong are told, and tell nothing of anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rest_tap.mapping import unused_maps
from tests.programs import kananas_settings, kizen_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

STREAMS = {
    "tap_kananas": (kananas_settings, "contacts"),
    "tap_kizen": (kizen_settings, "companies"),
}


@pytest.mark.parametrize(
    ("tap", "own", "named"),
    [
        ("tap_kananas", {"z": "int(last_name)"}, "'contacts' fails for a record"),
        ("tap_kizen", {"z": "int(name)"}, "'companies' fails for a record"),
        ("tap_kizen", {"z": "1 / 0"}, "ZeroDivisionError"),
        ("tap_kananas", {"z": "gone + id"}, "expressions gone + id"),
        ("tap_kananas", {"z": "id +"}, "expression id +"),
        ("tap_kizen", {"id": None}, "Removing key property 'id'"),
    ],
)
def test_a_map_that_fails_is_a_wrong_setting_and_shows_no_value(
    shared_sandbox: Sandbox, tmp_path: Path, tap: str, own: dict[str, Any], named: str
) -> None:
    made, stream = STREAMS[tap]
    outcome = run_tap(tap, made(shared_sandbox, stream_maps={stream: own}), tmp_path)
    assert outcome.code == 2
    assert "setting 'stream_maps': " in outcome.last_line
    assert named in outcome.last_line
    assert "Traceback" not in outcome.err
    for contact in shared_sandbox.account.contacts:
        assert f"'{contact['last_name']}'" not in outcome.err


def test_a_map_for_no_stream_is_told(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    hashing = {"email": "md5(email) if email else None"}
    maps = {"contact": hashing, "contacts": hashing}
    outcome = run_tap("tap_kananas", kananas_settings(shared_sandbox, stream_maps=maps), tmp_path)
    assert outcome.code == 0
    (line,) = [line for line in outcome.err.splitlines() if "WARNING" in line]
    assert "has a map for 'contact', and there is no such stream" in line


def test_patterns_copies_and_options_are_understood() -> None:
    maps = {
        "client_*": {},
        "copies": {"__source__": "companies"},
        "deals": {"__source__": "deal"},
        "__else__": None,
        "forms": None,
    }
    assert unused_maps(maps, ["companies", "client_client", "forms"]) == ["deal"]
    assert unused_maps(maps, ["companies", "deal"]) == ["client_*", "forms"]
