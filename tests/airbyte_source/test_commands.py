"""spec, check and discover: what they say, and that they say nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from sandbox.server import Fault
from tests.airbyte_source.programs import SETTINGS, SOURCES, ask, parse, run

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

SERVICES = tuple(SOURCES)
SECRETS = {"kananas": "secret_key", "kizen": "api_key"}
BUILT_IN = ("stream_maps", "faker_config", "flattening_enabled", "batch_config")


def form(name: str) -> dict[str, Any]:
    answer = run(SOURCES[name], "spec")
    assert answer.code == 0
    (spec,) = answer.of_type("SPEC")
    found: dict[str, Any] = spec["connectionSpecification"]
    return found


# spec


@pytest.mark.parametrize("name", SERVICES)
def test_the_form_takes_right_settings_and_no_others(name: str, shared_sandbox: Sandbox) -> None:
    specification = form(name)
    Draft7Validator.check_schema(specification)
    check = Draft7Validator(specification)
    settings = SETTINGS[name](shared_sandbox)
    assert check.is_valid(settings)
    assert not check.is_valid({**settings, SECRETS[name]: "with a blank"})
    assert not check.is_valid({key: settings[key] for key in settings if key != SECRETS[name]})


@pytest.mark.parametrize("name", SERVICES)
def test_every_field_of_the_form_can_be_shown(name: str) -> None:
    specification = form(name)
    fields = specification["properties"]
    secrets = [field for field, rule in fields.items() if rule.get("airbyte_secret")]
    assert secrets == [SECRETS[name]]
    assert sorted(rule["order"] for rule in fields.values()) == list(range(len(fields)))
    first = sorted(fields, key=lambda field: fields[field]["order"])
    assert sorted(first[: len(specification["required"])]) == sorted(specification["required"])
    for rule in fields.values():
        assert rule["title"]
        assert rule["description"]
        # Airbyte's form knows one type a field.
        assert isinstance(rule["type"], str)
        assert not {"secret", "writeOnly"} & rule.keys()
    shown = [rule["examples"] for rule in fields.values() if "examples" in rule]
    assert shown
    for field, rule in fields.items():
        for example in rule.get("examples", []):
            Draft7Validator(rule).validate(example)
            assert field not in secrets


@pytest.mark.parametrize("name", SERVICES)
def test_what_airbyte_does_itself_is_no_field_of_the_form(name: str) -> None:
    fields = form(name)["properties"]
    assert not fields.keys() & {*BUILT_IN, "emit_activate_version_messages", "full_refresh_every"}


# check


@pytest.mark.parametrize("name", SERVICES)
def test_a_check_of_right_settings_succeeds(
    name: str, shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    answer = ask(SOURCES[name], "check", tmp_path, SETTINGS[name](shared_sandbox))
    assert (answer.code, answer.status) == (0, {"status": "SUCCEEDED"})


@pytest.mark.parametrize("name", SERVICES)
def test_a_check_says_which_setting_is_wrong(
    name: str, shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = SETTINGS[name](shared_sandbox, **{SECRETS[name]: "a-wrong-secret-key"})
    answer = ask(SOURCES[name], "check", tmp_path, settings)
    assert (answer.code, answer.status["status"]) == (0, "FAILED")
    assert f"check setting '{SECRETS[name]}'" in answer.status["message"]
    assert "a-wrong-secret-key" not in json.dumps(answer.messages)


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize(
    "body",
    [
        "<html><title>Who is ab&#34;c&amp;d-a-key?</title></html>",
        '{"detail": "ab%22c%26d-a-key"}',
        json.dumps({"detail": json.dumps('ab"c&d-a-key')}),
        json.dumps({"detail": f'{"x" * 280} ab"c&d-a-key'}),
    ],
    ids=["HTML", "address", "JSON", "cut"],
)
def test_a_check_tells_no_key_that_is_spelled_otherwise_or_cut(
    name: str, body: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults.add(Fault(times=None, status=401, body=body))
    settings = SETTINGS[name](sandbox, **{SECRETS[name]: 'ab"c&d-a-key'})
    for command in ("check", "discover"):
        answer = ask(SOURCES[name], command, tmp_path, settings)
        told = json.dumps(answer.messages)
        assert "***" in told
        # What is left of it in any of the spellings.
        assert not re.search(r"\bab\W", told), told


def test_a_check_needs_settings_of_the_right_form(tmp_path: Path) -> None:
    answer = ask(
        SOURCES["kizen"], "check", tmp_path, {"api_key": "unused-key", "rate_limit": "fast"}
    )
    assert (answer.code, answer.status["status"]) == (0, "FAILED")
    assert "setting 'rate_limit'" in answer.status["message"]
    assert "setting 'user_id' is missing" in answer.status["message"]


def test_a_check_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    answer = run(SOURCES["kizen"], "check", "--config", str(tmp_path / "none.json"))
    assert "--config" in answer.status["message"]
    assert "none.json: No such file" in answer.status["message"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_check_of_a_service_that_fails_says_so(
    name: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults.add(Fault(times=None, status=503))
    settings = SETTINGS[name](sandbox, request_tries=1)
    answer = ask(SOURCES[name], "check", tmp_path, settings)
    assert (answer.code, answer.status["status"]) == (0, "FAILED")
    assert "503" in answer.status["message"]


def test_a_setting_nobody_knows_is_told(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = SETTINGS["kananas"](shared_sandbox, timezone=None, time_zone="Europe/Paris")
    answer = ask(SOURCES["kananas"], "check", tmp_path, settings)
    assert answer.status["status"] == "SUCCEEDED"
    warned = [log["message"] for log in answer.of_type("LOG") if log["level"] == "WARN"]
    assert any("time_zone" in message for message in warned)
    assert not any("timezone" in message for message in warned)


# discover


@pytest.mark.parametrize("name", SERVICES)
def test_discovery_lists_streams_that_destinations_take(
    name: str, shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    answer = ask(SOURCES[name], "discover", tmp_path, SETTINGS[name](shared_sandbox))
    assert answer.code == 0
    assert answer.streams
    for stream in answer.streams.values():
        schema = stream["json_schema"]
        Draft7Validator.check_schema(schema)
        for key in stream["source_defined_primary_key"]:
            assert key[0] in schema["properties"]
        is_incremental = "incremental" in stream["supported_sync_modes"]
        # A full refresh pays no heed to a state, so what a broken one brought must not stay.
        assert stream["is_resumable"] is False
        assert stream.get("source_defined_cursor", False) is is_incremental
        if is_incremental:
            assert stream["default_cursor_field"][0] in schema["properties"]


def test_discovery_of_kizen_tells_cursors_and_times(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    answer = ask(SOURCES["kizen"], "discover", tmp_path, SETTINGS["kizen"](shared_sandbox))
    streams = answer.streams
    assert streams.keys() == shared_sandbox.account.crm.counts.keys()
    assert streams["client_client"]["default_cursor_field"] == ["updated"]
    assert streams["client_client"]["source_defined_primary_key"] == [["id"]]
    assert streams["team"]["supported_sync_modes"] == ["full_refresh"]
    updated = streams["client_client"]["json_schema"]["properties"]["updated"]
    assert updated["airbyte_type"] == "timestamp_with_timezone"


def test_a_discovery_that_fails_says_why(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = SETTINGS["kananas"](shared_sandbox, secret_key="a-wrong-key")
    answer = ask(SOURCES["kananas"], "discover", tmp_path, settings)
    assert answer.code == 1
    assert answer.errors[None]["failure_type"] == "config_error"
    assert "check setting 'secret_key'" in answer.errors[None]["message"]
    assert not answer.of_type("CATALOG")


# The command line


def test_a_wrong_command_line_ends_with_2_and_no_message(capfd: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["sync"], ["read", "--config", "c.json"]):
        with pytest.raises(SystemExit, match="2"):
            run(SOURCES["kizen"], *arguments)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "usage: source-kizen" in captured.err


@pytest.mark.parametrize("name", SERVICES)
def test_the_program_prints_messages_only(name: str) -> None:
    command = [sys.executable, "-m", f"tap_{name}.airbyte", "spec"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert [message["type"] for message in parse(done.stdout)] == ["SPEC"]
    assert done.stderr == b""
