"""What can go wrong ends in one line that names the setting, and shows no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Fault
from tests.programs import kananas_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox


def test_a_wrong_key_names_the_setting(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kananas_settings(shared_sandbox, secret_key="not-the-right-key")
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 1
    assert "an HTML page" in outcome.last_line
    assert "check setting 'secret_key' (TAP_KANANAS_SECRET_KEY)" in outcome.last_line
    assert "not-the-right-key" not in outcome.err + outcome.out
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": "no such request"}', "answered with an error: error: no such request: check"),
        ('{"status": "ok", "count": 3}', "no list of records in it, only the keys 'status', 'c"),
        ('{"a": [{"id": 1}], "b": [{"id": 2}]}', "records may stand at 'a', 'b'"),
        ('[{"id": 1}, ', "JSON that breaks off after 12 characters"),
        ('[{"id": 1}, ]', "broken JSON"),
        ('[{"id": 1}] [{"id": 2}]', "broken JSON: more text after the JSON at character 12"),
        ('cb([{"mail": "ann@x"}])', "text that is no JSON: check setting 'secret_key'"),
        ("Invalid token", "text that is no JSON: Invalid token: check setting 'secret_key'"),
        ("<p>Maintenance</p>", "a page in markup"),
        ("Fatal error: Uncaught Exception in /var/www/x.php", "a PHP error"),
        ('"refused"', "no list of records"),
        ('Warning: x\n{"data": [{"id": 1}, {"id": 2}]', "breaks off after 42 characters"),
        ("", "an empty body"),
    ],
)
def test_an_answer_without_records(sandbox: Sandbox, tmp_path: Path, body: str, words: str) -> None:
    sandbox.faults.add(Fault(path="/action_manager.php", status=200, body=body, times=None))
    outcome = run_tap("tap_kananas", kananas_settings(sandbox), tmp_path)
    assert outcome.code == 1
    assert words in outcome.last_line
    assert not outcome.messages
    assert "Traceback" not in outcome.err


def test_a_path_to_the_records_helps(sandbox: Sandbox, tmp_path: Path) -> None:
    body = '{"a": [{"id": 1}], "b": [{"id": 2}]}'
    sandbox.faults.add(Fault(path="/action_manager.php", status=200, body=body, times=None))
    settings = kananas_settings(sandbox, records_path="b")
    assert run_tap("tap_kananas", settings, tmp_path).records == [{"id": 2}]


def test_a_key_that_is_not_there_names_those_that_are(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = kananas_settings(shared_sandbox, primary_keys=["number"])
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 1
    assert "could be the key: id" in outcome.last_line
    assert "check setting 'primary_keys'" in outcome.last_line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret_key": ""}, "'secret_key' is empty (environment variable TAP_KANANAS_SECRET_KEY)"),
        ({"primary_keys": []}, "setting 'primary_keys': [] should be non-empty"),
        ({"api_url": "backoffice"}, "setting 'api_url'"),
    ],
)
def test_a_wrong_setting_ends_with_code_2(
    shared_sandbox: Sandbox, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    outcome = run_tap("tap_kananas", kananas_settings(shared_sandbox, **changes), tmp_path)
    assert outcome.code == 2
    assert words in outcome.last_line


def test_an_answer_that_is_too_large_names_the_setting(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_kananas.response.body.MAX_BODY_BYTES", 1 << 20)
    monkeypatch.setattr("rest_tap.transport.MAX_ANSWER_BYTES", 1 << 20)
    large = " " * (1 << 20) + "[]"
    told = {
        200: "answered with more than 1 MiB, unpacked, which 'paging' may divide: "
        "check setting 'requests' (TAP_KANANAS_REQUESTS)",
        404: "answered 404 with more than 1 MiB, unpacked: "
        "check setting 'api_url' (TAP_KANANAS_API_URL)",
    }
    for status, words in told.items():
        sandbox.faults.add(Fault(path="/action_manager.php", status=status, body=large))
        outcome = run_tap("tap_kananas", kananas_settings(sandbox), tmp_path)
        assert outcome.code == 1
        assert outcome.last_line.endswith(f"contacts: GET 127.0.0.1/action_manager.php {words}")
        assert "Traceback" not in outcome.err
