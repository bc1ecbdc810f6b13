"""read: what was chosen and no more, each stream with its statuses, states and failures."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Fault, running
from tap_kizen.timestamps import to_utc
from tests import servers
from tests.airbyte_source.programs import (
    SETTINGS,
    SOURCES,
    Answer,
    ask,
    configured,
    parse,
    read,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.server import Sandbox

CONTACTS = "client_client"
SEARCH = f"/api/records/{CONTACTS}/search"
KANANAS, KIZEN = SOURCES["kananas"], SOURCES["kizen"]


@pytest.fixture
def ordering() -> Iterator[Sandbox]:
    """An account that orders by `updated`, so that a read can go on where one ended."""
    with running(replace(servers.SMALL, kizen_refuses=())) as server:
        yield server


def streams_of(name: str, server: Sandbox, folder: Path) -> dict[str, dict[str, Any]]:
    return ask(SOURCES[name], "discover", folder, SETTINGS[name](server)).streams


def kizen(
    server: Sandbox,
    folder: Path,
    *names: str,
    mode: str = "full_refresh",
    states: Any = None,
    **changes: Any,
) -> Answer:
    """Read streams of Kizen: all, or those named."""
    catalog = configured(streams_of("kizen", server, folder), *names, mode=mode)
    return read(KIZEN, folder, SETTINGS["kizen"](server, **changes), catalog, states)


def change_hours_ago(server: Sandbox, keys: list[str]) -> None:
    """Change contacts, each a minute after the one before: more than the look-back."""
    began = datetime.now(timezone.utc) - timedelta(hours=4)
    for number, key in enumerate(keys):
        moment = to_utc(began + timedelta(minutes=number))
        server.account.crm.update(CONTACTS, key, updated=moment, first_name=f"Changed {number}")


# What comes


def test_every_stream_of_kizen_comes_whole(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    answer = kizen(shared_sandbox, tmp_path, page_size=20)
    assert answer.code == 0
    assert answer.counts == shared_sandbox.account.crm.counts
    assert answer.counted_in_states() == answer.counts
    for name in answer.counts:
        assert answer.statuses(name) == ["STARTED", "RUNNING", "COMPLETE"]
    assert not answer.errors


def test_every_contact_of_kananas_comes(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    catalog = configured(streams_of("kananas", shared_sandbox, tmp_path))
    settings = SETTINGS["kananas"](shared_sandbox)
    before = datetime.now(timezone.utc)
    answer = read(KANANAS, tmp_path, settings, catalog)
    assert answer.code == 0
    contacts = {row["id"]: row for row in answer.records_of("contacts")}
    assert len(contacts) == servers.SMALL.contacts
    assert answer.statuses("contacts") == ["STARTED", "RUNNING", "COMPLETE"]
    assert answer.traces("ESTIMATE") == [
        {"name": "contacts", "type": "STREAM", "row_estimate": servers.SMALL.contacts}
    ]
    (emitted, *_) = (each["emitted_at"] for each in answer.of_type("RECORD"))
    assert before.timestamp() * 1000 - 1 <= emitted <= datetime.now().timestamp() * 1000  # noqa: DTZ005


def test_the_records_are_those_of_the_tap(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    answer = kizen(shared_sandbox, tmp_path, "deal_subvention")
    done = subprocess.run(
        [sys.executable, "-m", "tap_kizen", "--config", str(tmp_path / "config.json")],
        capture_output=True,
        check=True,
    )
    singer = [json.loads(line) for line in done.stdout.splitlines()]
    expected = [
        message["record"]
        for message in singer
        if message["type"] == "RECORD" and message["stream"] == "deal_subvention"
    ]
    assert expected
    assert answer.records_of("deal_subvention") == expected


def test_only_what_was_chosen_is_asked_for(sandbox: Sandbox, tmp_path: Path) -> None:
    catalog = configured(streams_of("kizen", sandbox, tmp_path), "team")
    begin = len(list(sandbox.requests))
    answer = read(KIZEN, tmp_path, SETTINGS["kizen"](sandbox), catalog)
    assert answer.counts.keys() == {"team"}
    asked = {request.path for request in list(sandbox.requests)[begin:]}
    assert "/api/team" in asked
    assert not any("/records/" in path or path == "/api/forms" for path in asked)


def test_a_list_of_kananas_that_was_not_chosen_is_not_asked_for(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    others = [{"name": "others", "request": "contacts", "primary_keys": ["id"]}]
    settings = SETTINGS["kananas"](sandbox, requests=others)
    catalog = configured(ask(KANANAS, "discover", tmp_path, settings).streams, "others")
    begin = len(list(sandbox.requests))
    answer = read(KANANAS, tmp_path, settings, catalog)
    assert answer.counts == {"others": servers.SMALL.contacts}
    assert len(list(sandbox.requests)) - begin == 1


@pytest.mark.parametrize("name", SOURCES)
def test_columns_that_were_left_out_do_not_come(
    name: str, shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    stream, kept = {"kananas": ("contacts", "last_name"), "kizen": (CONTACTS, "first_name")}[name]
    streams = streams_of(name, shared_sandbox, tmp_path)
    columns = streams[stream]["json_schema"]["properties"]
    streams[stream]["json_schema"]["properties"] = {kept: columns[kept]}
    settings = SETTINGS[name](shared_sandbox)
    answer = read(SOURCES[name], tmp_path, settings, configured(streams, stream))
    assert answer.code == 0
    # A key comes whatever is chosen: nothing could be told apart without.
    allowed = {"id", kept, *({"updated"} if name == "kizen" else ())}
    assert {frozenset(row) for row in answer.records_of(stream)} == {frozenset(allowed)}


def test_pyairbyte_asks_for_incremental_reads_of_streams_without_a_cursor(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    first = kizen(shared_sandbox, tmp_path, "team", mode="incremental")
    again = kizen(shared_sandbox, tmp_path, "team", mode="incremental", states=first.states)
    assert first.code == again.code == 0
    assert first.counts == again.counts == {"team": 12}


def test_an_empty_stream_is_complete_and_has_a_state(tmp_path: Path) -> None:
    with running(replace(servers.SMALL, contacts=0)) as empty:
        catalog = configured(streams_of("kananas", empty, tmp_path))
        answer = read(KANANAS, tmp_path, SETTINGS["kananas"](empty), catalog)
    assert answer.code == 0
    assert answer.statuses("contacts") == ["STARTED", "COMPLETE"]
    assert answer.counted_in_states() == {"contacts": 0}


# States


def test_a_state_that_is_given_back_brings_what_changed(sandbox: Sandbox, tmp_path: Path) -> None:
    first = kizen(sandbox, tmp_path, CONTACTS, "team", mode="incremental")
    keys = [str(row["id"]) for row in first.records_of(CONTACTS)][::9]
    for key in keys:
        sandbox.account.crm.update(CONTACTS, key, first_name="Changed")

    again = kizen(sandbox, tmp_path, CONTACTS, "team", mode="incremental", states=first.states)
    names = {row["id"]: row["first_name"] for row in again.records_of(CONTACTS)}
    assert again.counts[CONTACTS] < first.counts[CONTACTS]
    assert dict.fromkeys(keys, "Changed").items() <= names.items()
    assert again.counted_in_states() == again.counts
    # As one state of all streams, and as none at all.
    whole = [{"type": "GLOBAL", "global": {"stream_states": [s["stream"] for s in again.states]}}]
    third = kizen(sandbox, tmp_path, CONTACTS, mode="incremental", states=whole)
    assert third.counts[CONTACTS] < len(keys) + 2
    new = kizen(sandbox, tmp_path, CONTACTS, mode="incremental", states={})
    assert new.counts[CONTACTS] == first.counts[CONTACTS]


def test_a_list_of_kananas_with_a_cursor_brings_what_changed(tmp_path: Path) -> None:
    cursor = {"replication_key": "updated_at", "replication_parameter": "updated_since"}
    requests = [{"name": "contacts", "request": "contacts", **cursor}]
    with running(replace(servers.SMALL, kananas_paging="page")) as server:
        settings = SETTINGS["kananas"](server, requests=requests, timezone="Europe/Paris")
        streams = ask(KANANAS, "discover", tmp_path, settings).streams
        assert streams["contacts"]["default_cursor_field"] == ["updated_at"]
        catalog = configured(streams, mode="incremental")
        first = read(KANANAS, tmp_path, settings, catalog)
        assert first.counts["contacts"] == servers.SMALL.contacts
        again = read(KANANAS, tmp_path, settings, catalog, first.states)
        whole = read(KANANAS, tmp_path, settings, configured(streams), first.states)
    newest = max(row["updated_at"] for row in first.records_of("contacts"))
    assert {row["updated_at"] for row in again.records_of("contacts")} == {newest}
    assert whole.counts == first.counts


def test_a_list_of_kananas_that_has_shrunk_too_much_is_refused(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    # As PyAirbyte asks: incremental, and with the state.
    catalog = configured(streams_of("kananas", shared_sandbox, tmp_path), mode="incremental")
    settings = SETTINGS["kananas"](shared_sandbox)
    (state,) = read(KANANAS, tmp_path, settings, catalog).states
    state["stream"]["stream_state"]["bookmark"]["rows"] = 10 * servers.SMALL.contacts
    answer = read(KANANAS, tmp_path, settings, catalog, [state])
    assert answer.code == 1
    assert "max_shrink" in answer.errors["contacts"]["message"]
    assert answer.statuses("contacts") == ["STARTED", "INCOMPLETE"]


def test_a_full_refresh_pays_no_heed_to_a_state(sandbox: Sandbox, tmp_path: Path) -> None:
    first = kizen(sandbox, tmp_path, CONTACTS, mode="incremental")
    again = kizen(sandbox, tmp_path, CONTACTS, states=first.states)
    assert again.counts == first.counts


def test_a_killed_read_goes_on_where_it_was(ordering: Sandbox, tmp_path: Path) -> None:
    first = kizen(ordering, tmp_path, CONTACTS, mode="incremental")
    keys = [str(row["id"]) for row in first.records_of(CONTACTS)]
    change_hours_ago(ordering, keys)
    settings = SETTINGS["kizen"](ordering, page_size=5)
    catalog = configured(streams_of("kizen", ordering, tmp_path), CONTACTS, mode="incremental")
    arguments = ["--config", write(tmp_path, "config", settings)]
    arguments += ["--catalog", write(tmp_path, "catalog", catalog)]
    arguments += ["--state", write(tmp_path, "state", first.states)]
    # One answer never comes: what is killed is in the middle.
    ordering.faults.add(Fault(path=SEARCH, skip=5, times=None, delay=600))
    with subprocess.Popen(
        [sys.executable, "-m", "tap_kizen.airbyte", "read", *arguments], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if sum(b'"STATE"' in each for each in lines) == 2:
                break
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    ordering.faults.clear()
    broken = Answer(1, parse(b"".join(lines)))
    # A state counts what came before it, and nothing after.
    assert 0 < broken.counted_in_states()[CONTACTS] <= broken.counts[CONTACTS] < len(keys)
    assert broken.statuses(CONTACTS) == ["STARTED", "RUNNING"]

    begin = len(ordering.requests.to(SEARCH))
    rest = read(KIZEN, tmp_path, settings, catalog, broken.states)
    assert rest.code == 0
    came = {row["id"] for row in broken.records_of(CONTACTS) + rest.records_of(CONTACTS)}
    assert came == set(keys)
    # What the last state counted does not come again, but for the record it stands on.
    counted = int(broken.counted_in_states()[CONTACTS])
    assert rest.counts[CONTACTS] == len(keys) - counted + 1
    assert len(ordering.requests.to(SEARCH)) - begin <= (len(keys) - counted) / 5 + 3


@pytest.mark.parametrize("states", [{"bookmarks": {}}, [{"stream": {"name": "team"}}], "no"])
def test_a_state_of_another_kind_is_refused(
    states: Any, shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    answer = kizen(shared_sandbox, tmp_path, "team", states=states)
    assert answer.code == 2
    assert answer.errors[None]["failure_type"] == "config_error"
    assert answer.errors[None]["message"].startswith("--state: ")


# Failures


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault(path=SEARCH, times=None, status=500), "transient_error", "answered 500"),
        (Fault(path=SEARCH, times=None, status=401), "config_error", "check setting 'api_key'"),
        (Fault(path=SEARCH, times=None, close=True), "transient_error", "no connection to"),
        (Fault(path=SEARCH, times=None, status=403), "config_error", "no permission"),
    ],
)
def test_a_stream_that_fails_does_not_stop_the_others(
    fault: Fault, kind: str, words: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    catalog = configured(streams_of("kizen", sandbox, tmp_path), "automations", CONTACTS, "team")
    sandbox.faults.add(fault)
    answer = read(KIZEN, tmp_path, SETTINGS["kizen"](sandbox, request_tries=1), catalog)
    assert answer.code == 1
    assert answer.errors.keys() == {CONTACTS}
    assert answer.errors[CONTACTS]["failure_type"] == kind
    assert words in answer.errors[CONTACTS]["message"]
    assert answer.statuses(CONTACTS)[-1] == "INCOMPLETE"
    assert answer.counted_in_states()[CONTACTS] == 0
    assert answer.statuses("team")[-1] == answer.statuses("automations")[-1] == "COMPLETE"
    assert answer.counts["team"] == 12


def test_a_list_of_kananas_that_fails_does_not_stop_the_others(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    others = [{"name": "others", "request": "contacts", "params": {"list": "others"}}]
    settings = SETTINGS["kananas"](sandbox, requests=others, request_tries=1)
    catalog = configured(ask(KANANAS, "discover", tmp_path, settings).streams)
    sandbox.faults.add(Fault(query="list=others", times=None, status=500))
    answer = read(KANANAS, tmp_path, settings, catalog)
    assert answer.code == 1
    assert answer.errors.keys() == {"others"}
    assert answer.statuses("contacts")[-1] == "COMPLETE"
    assert answer.counts == {"contacts": servers.SMALL.contacts}


def test_a_full_refresh_with_a_gap_replaces_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    streams = streams_of("kizen", sandbox, tmp_path)
    catalog = configured(streams, "logged_activities")
    sandbox.faults.add(Fault(path="/api/activities/*/responses", skip=1, times=1, status=403))
    answer = read(KIZEN, tmp_path, SETTINGS["kizen"](sandbox), catalog)
    assert answer.code == 1
    assert answer.statuses("logged_activities") == ["STARTED", "RUNNING", "INCOMPLETE"]
    assert "no permission" in answer.errors["logged_activities"]["message"]
    # An incremental read only adds: its next one looks for the rest.
    sandbox.faults.add(Fault(path="/api/activities/*/responses", skip=1, times=1, status=403))
    catalog = configured(streams, "logged_activities", mode="incremental")
    answer = read(KIZEN, tmp_path, SETTINGS["kizen"](sandbox), catalog)
    assert (answer.code, answer.statuses("logged_activities")[-1]) == (0, "COMPLETE")


def test_a_stream_that_is_gone_does_not_stop_the_others(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    streams = streams_of("kizen", shared_sandbox, tmp_path)
    gone = {**streams["team"], "name": "gone"}
    catalog = configured({**streams, "gone": gone}, "gone", "team")
    answer = read(KIZEN, tmp_path, SETTINGS["kizen"](shared_sandbox), catalog)
    assert answer.code == 1
    assert answer.errors["gone"]["failure_type"] == "config_error"
    assert answer.statuses("gone") == ["INCOMPLETE"]
    assert answer.statuses("team")[-1] == "COMPLETE"


def test_where_nothing_can_be_read_every_stream_is_incomplete(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    catalog = configured(streams_of("kizen", sandbox, tmp_path), "team", CONTACTS)
    answer = read(KIZEN, tmp_path, SETTINGS["kizen"](sandbox, api_key="a-wrong-key"), catalog)
    assert answer.code == 1
    assert answer.errors[None]["failure_type"] == "config_error"
    assert answer.statuses("team") == answer.statuses(CONTACTS) == ["INCOMPLETE"]


def test_a_catalog_of_another_kind_is_refused(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    catalog = configured(streams_of("kizen", shared_sandbox, tmp_path), "team", mode="sometimes")
    answer = read(KIZEN, tmp_path, SETTINGS["kizen"](shared_sandbox), catalog)
    assert answer.code == 2
    assert "sometimes" in answer.errors[None]["message"]


def test_waiting_for_the_service_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    catalog = configured(streams_of("kizen", sandbox, tmp_path), CONTACTS)
    sandbox.faults.add(Fault(path=SEARCH, status=429, headers={"Retry-After": "0"}))
    sandbox.faults.add(Fault(path=SEARCH, skip=2, status=429, headers={"Retry-After": "0"}))
    answer = read(KIZEN, tmp_path, SETTINGS["kizen"](sandbox, page_size=10), catalog)
    assert answer.code == 0
    assert answer.statuses(CONTACTS) == [
        "STARTED", "RUNNING*", "RUNNING", "RUNNING*", "RUNNING", "COMPLETE",
    ]  # fmt: skip
    waits = [each["reasons"] for each in answer.traces("STREAM_STATUS") if "reasons" in each]
    assert all(reason["rate_limited"]["quota_reset"] > 0 for (reason,) in waits)


def test_waiting_for_the_answer_of_kananas_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    catalog = configured(streams_of("kananas", sandbox, tmp_path))
    sandbox.faults.add(Fault(status=429, headers={"Retry-After": "0"}))
    answer = read(KANANAS, tmp_path, SETTINGS["kananas"](sandbox), catalog)
    assert answer.statuses("contacts") == ["STARTED", "RUNNING*", "RUNNING", "COMPLETE"]


def test_no_secret_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = SETTINGS["kizen"](sandbox, request_tries=1)
    catalog = configured(streams_of("kizen", sandbox, tmp_path), CONTACTS)
    quoted = f"who are you, {settings['api_key']}?"
    sandbox.faults.add(Fault(path=SEARCH, times=None, status=401, body=quoted))
    answer = read(KIZEN, tmp_path, settings, catalog)
    assert "who are you, ***?" in answer.errors[CONTACTS]["message"]
    assert settings["api_key"] not in json.dumps(answer.messages)
