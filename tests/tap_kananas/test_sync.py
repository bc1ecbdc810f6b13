"""What the tap sends: every contact as the account holds it, whatever the envelope."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Options, running
from tests.programs import kananas_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox


def _discover(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    outcome = run_tap("tap_kananas", settings, folder, "--discover")
    assert outcome.code == 0, outcome.err
    catalog: dict[str, Any] = json.loads(outcome.out)
    return catalog


@pytest.mark.parametrize("envelope", ["array", "object", "keyed"])
@pytest.mark.parametrize("as_strings", [False, True])
def test_every_contact_comes_in_every_envelope(
    tmp_path: Path, envelope: str, *, as_strings: bool
) -> None:
    options = Options(contacts=90, companies=30, envelope=envelope, numbers_as_strings=as_strings)
    with running(options) as server:
        outcome = run_tap("tap_kananas", kananas_settings(server), tmp_path)
        assert outcome.code == 0, outcome.err
        served = {str(contact["id"]): contact for contact in server.account.contacts}
    sent = {str(record["id"]): record for record in outcome.records}
    assert sent.keys() == served.keys()
    for key, record in sent.items():
        for column in ("last_name", "organisation", "phone", "free_fields", "tags"):
            assert record[column] == served[key][column]


def test_a_new_column_and_a_wider_type_arrive_with_an_old_catalog(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = kananas_settings(sandbox)
    catalog = _discover(settings, tmp_path)
    with sandbox.account.contacts.lock:
        sandbox.account.contacts[5]["shoe_size"] = 42
        sandbox.account.contacts[6]["balance"] = "none"
    outcome = run_tap("tap_kananas", settings, tmp_path, catalog=catalog)
    assert outcome.code == 0, outcome.err
    assert outcome.records[5]["shoe_size"] == 42
    assert outcome.records[6]["balance"] == "none"
    (schema,) = outcome.of_type("SCHEMA")
    assert schema["schema"]["properties"]["shoe_size"]["type"] == ["integer", "null"]
    assert schema["schema"]["properties"]["balance"]["type"] == ["string", "null"]


def test_a_new_column_stays_out_where_somebody_chose_columns(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = kananas_settings(sandbox)
    catalog = _discover(settings, tmp_path)
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"][-1:] in (["email"], ["birth_date"]):
            entry["metadata"]["selected"] = False
    with sandbox.account.contacts.lock:
        sandbox.account.contacts[5]["second_email"] = "someone@private.example"
    outcome = run_tap("tap_kananas", settings, tmp_path, catalog=catalog)
    assert outcome.code == 0, outcome.err
    assert len(outcome.records) == 120
    assert not any(
        column in record
        for record in outcome.records
        for column in ("email", "birth_date", "second_email")
    )
    assert "second_email (left out" in outcome.err
    assert "someone@private.example" not in outcome.out + outcome.err


def test_a_deselected_stream_is_not_asked_for(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kananas_settings(sandbox)
    catalog = _discover(settings, tmp_path)
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"] == []:
            entry["metadata"]["selected"] = False
    before = len(list(sandbox.requests))
    outcome = run_tap("tap_kananas", settings, tmp_path, catalog=catalog)
    assert outcome.code == 0, outcome.err
    assert outcome.records == []
    assert len(list(sandbox.requests)) == before


def test_an_empty_account_is_no_error(tmp_path: Path) -> None:
    with running(Options(contacts=0, companies=0)) as server:
        outcome = run_tap("tap_kananas", kananas_settings(server), tmp_path)
    assert outcome.code == 0, outcome.err
    assert outcome.records == []
    assert outcome.of_type("SCHEMA")[0]["key_properties"] == ["id"]


def test_the_account_is_asked_once(sandbox: Sandbox, tmp_path: Path) -> None:
    run_tap("tap_kananas", kananas_settings(sandbox), tmp_path)
    (arrival,) = sandbox.requests
    assert arrival.method == "GET"
    assert sorted(arrival.query.split("&")) == ["event=api", "request=contacts"]


def test_versions_rise_though_a_clock_was_ahead(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kananas_settings(sandbox)
    first = run_tap("tap_kananas", settings, tmp_path)
    (version,) = [message["version"] for message in first.of_type("ACTIVATE_VERSION")]
    assert first.state["bookmarks"]["contacts"]["table_version"] == version
    for last, expected in [(version * 2, version * 2 + 1), ("no version", None)]:
        state = json.loads(json.dumps(first.state))
        state["bookmarks"]["contacts"]["table_version"] = last
        second = run_tap("tap_kananas", settings, tmp_path, state=state)
        assert second.code == 0, second.err
        (told,) = [message["version"] for message in second.of_type("ACTIVATE_VERSION")]
        assert told == expected if expected else version < told < version * 2
        assert {message["version"] for message in second.of_type("RECORD")} == {told}
        assert second.state["bookmarks"]["contacts"]["table_version"] == told
