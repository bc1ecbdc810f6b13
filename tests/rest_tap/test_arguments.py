"""Files given on the command line that are not what they should be end in one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
import pytest

from tap_kananas.tap import TapKananas
from tap_kizen.tap import TapKizen
from tests.programs import kananas_settings, kizen_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

SETTINGS = {"tap_kananas": kananas_settings, "tap_kizen": kizen_settings}

STATES: list[Any] = [
    [1],
    "state.json",
    5,
    {"bookmarks": []},
    {"bookmarks": {"contacts": None}},
    {"bookmarks": {"contacts": {"partitions": 5}}},
    {"bookmarks": {"contacts": {"progress_markers": None}}},
]
CATALOGS: list[Any] = [
    [],
    "",
    5,
    {"streams": {}},
    {"streams": [{}]},
    {"streams": [{"tap_stream_id": "contacts", "metadata": None}]},
    {"streams": [{"tap_stream_id": "contacts", "schema": []}]},
    {"streams": [{"tap_stream_id": "contacts", "schema": {"properties": {"id": "integer"}}}]},
    {"streams": [{"tap_stream_id": "contacts", "metadata": [{"breadcrumb": []}]}]},
    {"streams": [{"tap_stream_id": "contacts", "metadata": [{"metadata": {}}]}]},
    {
        "streams": [
            {"tap_stream_id": "contacts", "metadata": [{"breadcrumb": None, "metadata": {}}]}
        ]
    },
]


@pytest.mark.parametrize("tap", SETTINGS)
@pytest.mark.parametrize(
    ("name", "given"),
    [*(("state", state) for state in STATES), *(("catalog", catalog) for catalog in CATALOGS)],
    ids=str,
)
def test_another_shape_is_told_before_anything_is_asked_for(
    sandbox: Sandbox, tmp_path: Path, tap: str, name: str, given: object
) -> None:
    file = tmp_path / "given.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    settings = SETTINGS[tap](sandbox)
    outcome = run_tap(tap, settings, tmp_path, f"--{name}", str(file))
    assert outcome.code == 2
    assert f"the file given as --{name} holds no {name}" in outcome.last_line
    assert "Traceback" not in outcome.err
    assert not list(sandbox.requests)


@pytest.mark.parametrize(
    ("bookmark", "told"),
    [
        ({"rows": "120"}, "['rows'] is no integer"),
        ({"columns": "id"}, "['columns'] is no object"),
        ({"columns": {"id": {}}}, "['columns']['id'] is without type"),
        ({"columns": {"id": {"type": "integer"}}}, "['columns']['id']['type'] is no array"),
        ({"replication_key_value": [1]}, "['replication_key_value'] is no string or number or"),
        ({"highest_seen": True}, "['highest_seen'] is no string or number or null"),
    ],
    ids=str,
)
def test_what_the_tap_itself_notes_in_a_state_has_its_shape(
    sandbox: Sandbox, tmp_path: Path, bookmark: dict[str, Any], told: str
) -> None:
    state = {"bookmarks": {"contacts": bookmark}}
    outcome = run_tap("tap_kananas", kananas_settings(sandbox), tmp_path, state=state)
    assert outcome.code == 2
    assert f"what stands at $['bookmarks']['contacts']{told}" in outcome.last_line
    assert "Traceback" not in outcome.err
    assert not list(sandbox.requests)


def test_the_number_of_the_last_event_is_one(sandbox: Sandbox, tmp_path: Path) -> None:
    state = {"bookmarks": {"webhook_events": {"replication_key_value": "5"}}}
    settings = kananas_settings(sandbox, webhook_store=str(tmp_path / "events.sqlite"))
    outcome = run_tap("tap_kananas", settings, tmp_path, state=state)
    assert outcome.code == 2
    assert "['webhook_events']['replication_key_value'] is no integer or null" in outcome.last_line


@pytest.mark.parametrize("tap", SETTINGS)
def test_a_state_of_another_tap_is_taken(sandbox: Sandbox, tmp_path: Path, tap: str) -> None:
    state = {"bookmarks": {"elsewhere": {"replication_key_value": 5, "partitions": []}}, "more": 1}
    outcome = run_tap(tap, SETTINGS[tap](sandbox), tmp_path, state=state)
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize(("tap", "stream"), [("tap_kananas", "contacts"), ("tap_kizen", "forms")])
def test_a_catalog_that_deselects_the_key_takes_it_from_no_row(
    shared_sandbox: Sandbox, tmp_path: Path, tap: str, stream: str
) -> None:
    settings = SETTINGS[tap](shared_sandbox)
    catalog = json.loads(run_tap(tap, settings, tmp_path, "--discover").out)
    (entry,) = (each for each in catalog["streams"] if each["tap_stream_id"] == stream)
    for each in entry["metadata"]:
        if each["breadcrumb"] == ["properties", "id"]:
            each["metadata"] = {"inclusion": "available", "selected": False}
    outcome = run_tap(tap, settings, tmp_path, catalog={"streams": [entry]})
    assert outcome.code == 0, outcome.err
    (schema,) = outcome.of_type("SCHEMA")
    assert "id" in schema["schema"]["properties"]
    assert outcome.records
    assert all(record["id"] for record in outcome.records)


def test_a_key_that_is_newer_than_the_catalog_is_sent(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = kananas_settings(shared_sandbox)
    catalog = json.loads(run_tap("tap_kananas", settings, tmp_path, "--discover").out)
    for each in catalog["streams"][0]["metadata"]:
        if each["breadcrumb"] == ["properties", "created_at"]:
            each["metadata"]["selected"] = False
    settings["primary_keys"] = ["created_at"]
    outcome = run_tap("tap_kananas", settings, tmp_path, catalog=catalog)
    assert outcome.code == 0, outcome.err
    assert outcome.of_type("SCHEMA")[0]["key_properties"] == ["created_at"]
    assert all(record["created_at"] for record in outcome.records)


@pytest.mark.parametrize("tap", SETTINGS)
def test_a_folder_is_no_file_of_settings(tmp_path: Path, tap: str) -> None:
    outcome = run_tap(tap, {}, tmp_path, "--config", str(tmp_path))
    assert outcome.code == 2
    assert "a file given as an argument" in outcome.last_line
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("tap", SETTINGS)
@pytest.mark.parametrize("name", ["config", "state", "catalog"])
@pytest.mark.parametrize("text", [b"", b"{", b'{"a": \xff}', b"[1, 2]", b"5"], ids=str)
def test_a_file_of_something_else_is_one_line(
    sandbox: Sandbox, tmp_path: Path, tap: str, name: str, text: bytes
) -> None:
    file = tmp_path / "given.json"
    file.write_bytes(text)
    settings = {} if name == "config" else SETTINGS[tap](sandbox)
    outcome = run_tap(tap, settings, tmp_path, f"--{name}", str(file))
    assert outcome.code == 2
    assert "a file given as a" in outcome.last_line or f"given as --{name}" in outcome.last_line
    assert "Traceback" not in outcome.err
    assert not list(sandbox.requests)


def test_only_its_owner_opens_the_folder_by_which_meltano_hands_settings_over(
    tmp_path: Path,
) -> None:
    of_meltano, of_others = tmp_path / ".meltano" / "run" / "tap-x", tmp_path / "run" / "tap-x"
    for folder in (of_meltano, of_others):
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    for tap in (TapKananas, TapKizen):
        of_meltano.chmod(0o755)
        files = [folder / "tap.config.json" for folder in (of_meltano, of_others)]
        for file in files:
            file.write_text("{}", encoding="utf-8")
        option = click.Option(["--config"], multiple=True)
        # Not the tap's own command line: asked for, it sets up the logging of this process.
        context = click.Context(click.Command("tap"))
        tap.cb_config(context, option, tuple(map(str, files)))
        assert of_meltano.stat().st_mode & 0o777 == 0o700
        assert of_others.stat().st_mode & 0o777 == 0o755
