"""Nothing is told, sent or counted as gone that should not be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Fault
from tests.programs import kananas_settings, kizen_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

ODD = {"id": "a1", "name": "Secret Person", "email": ["minor@private.example"]}


def _only_companies(server: Sandbox) -> dict[str, Any]:
    return kizen_settings(server, objects=[])


def test_a_deselected_value_of_a_wrong_type_comes_in_by_no_other_column(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    with sandbox.account.companies.lock:
        sandbox.account.companies[0]["email"] = ODD["email"]
    settings = _only_companies(sandbox)
    catalog = json.loads(run_tap("tap_kizen", settings, tmp_path, "--discover").out)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if entry["breadcrumb"][-1:] == ["email"]:
                entry["metadata"]["selected"] = False
    outcome = run_tap("tap_kizen", settings, tmp_path, catalog=catalog)
    assert outcome.code == 0, outcome.err
    assert "minor@private.example" not in outcome.out + outcome.err


@pytest.mark.parametrize("body", [[ODD], {"results": [ODD], "count": {}}, {"rows": [ODD]}])
def test_an_answer_of_another_shape_is_told_without_its_values(
    sandbox: Sandbox, tmp_path: Path, body: Any
) -> None:
    fault = Fault(path="/api/company", status=200, body=json.dumps(body), times=None)
    sandbox.faults.add(fault)
    outcome = run_tap("tap_kizen", _only_companies(sandbox), tmp_path)
    assert outcome.code == 1
    assert "expected a JSON object with a list" in outcome.last_line
    assert "private.example" not in outcome.err
    assert "Secret Person" not in outcome.err


@pytest.mark.parametrize("key", ["with-a-line-end\n", "with a blank", "typographic”"])
def test_a_key_that_fits_no_header_is_a_wrong_setting_and_not_shown(
    shared_sandbox: Sandbox, tmp_path: Path, key: str
) -> None:
    for tap, settings in (
        ("tap_kizen", kizen_settings(shared_sandbox, api_key=key)),
        ("tap_kananas", kananas_settings(shared_sandbox, secret_key=key)),
    ):
        outcome = run_tap(tap, settings, tmp_path)
        assert outcome.code == 2
        assert "must be letters, digits and signs of ASCII" in outcome.last_line
        assert key.strip() not in outcome.err


def test_rows_before_start_date_are_not_gone(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kizen_settings(shared_sandbox, start_date="2025-06-01")
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 0, outcome.err
    told = {message["stream"] for message in outcome.of_type("ACTIVATE_VERSION")}
    assert not told & {"companies", "companies_company", "client_client", "logged_activities"}


def test_a_service_that_ignores_the_page_number_is_not_asked_for_ever(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    page = {"results": [{"id": "a1"}, {"id": "a2"}], "next": "http://elsewhere.example/?page=2"}
    body = json.dumps(page)
    sandbox.faults.add(Fault(path="/api/company", status=200, body=body, times=None))
    outcome = run_tap("tap_kizen", _only_companies(sandbox), tmp_path)
    assert outcome.code == 1
    assert "pays no heed to the page number" in outcome.last_line


@pytest.mark.parametrize("status", [200, 400])
def test_depth_is_an_error_in_words(sandbox: Sandbox, tmp_path: Path, status: int) -> None:
    deep = '{"results": ' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}"
    sandbox.faults.add(Fault(path="/api/company", status=status, body=deep, times=None))
    outcome = run_tap("tap_kizen", _only_companies(sandbox), tmp_path)
    assert outcome.code == 1
    assert "nested too deeply" in outcome.last_line
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("content", [None, "{bad"])
def test_a_settings_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "other.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    outcome = run_tap("tap_kizen", {}, tmp_path, "--config", str(file))
    assert outcome.code == 2
    assert "a file given as an argument" in outcome.last_line
    assert "Traceback" not in outcome.err
