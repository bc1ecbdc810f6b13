"""A second run asks for what changed, and no change is lost on any kind of account."""

from __future__ import annotations

import gzip
import json
import logging
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest

from sandbox.server import Fault, running
from tap_kizen.timestamps import to_utc
from tests import servers
from tests.programs import kizen_settings, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.server import Sandbox

CONTACTS = "client_client"
SEARCH = f"/api/records/{CONTACTS}/search"
HOUR = 3_600_000


@pytest.fixture(params=["orders", "filters", "refuses"])
def account(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Accounts that order by `updated`, that only filter by it, and that do neither."""
    refuses = {
        "orders": (),
        "filters": ("updated-ordering",),
        "refuses": ("updated-ordering", "updated-filter"),
    }
    with running(replace(servers.SMALL, kizen_refuses=refuses[request.param])) as server:
        yield server


@pytest.fixture
def ordering_account() -> Iterator[Sandbox]:
    """An account that orders by `updated`."""
    with running(replace(servers.SMALL, kizen_refuses=())) as server:
        yield server


def settings_of(server: Sandbox, **changes: Any) -> dict[str, Any]:
    return kizen_settings(server, objects=[CONTACTS], **{"page_size": 5, **changes})


def contact_ids(server: Sandbox) -> list[str]:
    return [str(record["id"]) for record in server.account.crm.records[CONTACTS]]


def searches(server: Sandbox) -> int:
    return len(server.requests.to(SEARCH))


def change_an_hour_ago(server: Sandbox, keys: list[str]) -> None:
    """Change contacts, each a second after the one before."""
    began = datetime.now(timezone.utc) - timedelta(hours=1)
    for number, key in enumerate(keys):
        moment = to_utc(began + timedelta(seconds=number))
        server.account.crm.update(CONTACTS, key, updated=moment)


def test_a_second_run_brings_what_changed(account: Sandbox, tmp_path: Path) -> None:
    first = run_tap("tap_kizen", settings_of(account), tmp_path)
    assert first.code == 0, first.err
    changed = contact_ids(account)[::9]
    for key in changed:
        account.account.crm.update(CONTACTS, key, first_name="Changed")
    added = account.account.crm.add(CONTACTS, first_name="Added")

    second = run_tap("tap_kizen", settings_of(account), tmp_path, state=first.state)
    names = {row["id"]: row["first_name"] for row in second.records_of(CONTACTS)}
    expected = {**dict.fromkeys(changed, "Changed"), added: "Added"}
    # The last record seen comes again, for the look-back.
    assert len(names.keys() - expected.keys()) <= 1
    assert expected.items() <= names.items()
    assert not [
        message for message in second.of_type("ACTIVATE_VERSION") if message["stream"] == CONTACTS
    ]


def test_an_unchanged_account_costs_one_request_per_object(
    ordering_account: Sandbox, tmp_path: Path
) -> None:
    server = ordering_account
    first = run_tap("tap_kizen", settings_of(server), tmp_path)
    before = searches(server)
    # The count, the pages, and the proof that they did not move.
    assert before == 1 + 45 / 5 + 1
    second = run_tap("tap_kizen", settings_of(server), tmp_path, state=first.state)
    assert searches(server) == before + 1
    # The last record seen comes again, for the look-back.
    assert len(second.records_of(CONTACTS)) <= 1


@pytest.mark.parametrize("rows", [1, 3, 5, 7, 1000])
@pytest.mark.parametrize("is_packed", [False, True])
def test_no_state_counts_a_record_that_is_in_no_file_yet(
    ordering_account: Sandbox, tmp_path: Path, rows: int, *, is_packed: bool
) -> None:
    server = ordering_account
    first = run_tap("tap_kizen", settings_of(server), tmp_path)
    change_an_hour_ago(server, contact_ids(server)[:23])
    batches = {
        "encoding": {"format": "jsonl", "compression": "gzip" if is_packed else "none"},
        "storage": {"root": (tmp_path / "batches").as_uri()},
        "batch_size": rows,
    }
    settings = settings_of(server, batch_config=batches)
    second = run_tap("tap_kizen", settings, tmp_path, state=first.state)
    assert second.code == 0, second.err
    opened = gzip.open if is_packed else open
    moments: list[str] = []
    told: list[tuple[str, int]] = []
    for message in second.messages:
        if message["type"] == "BATCH" and message["stream"] == CONTACTS:
            (address,) = message["manifest"]
            with opened(unquote(urlsplit(address).path), "rb") as file:
                moments += [json.loads(line)["updated"] for line in file]
        elif message["type"] == "STATE":
            reached = message["value"]["bookmarks"][CONTACTS].get("replication_key_value", "")
            told.append((reached, len(moments)))
    assert len(moments) >= 23
    for reached, written in told:
        # What is written later changed at that moment at the earliest.
        assert all(moment >= reached for moment in moments[written:])
    if rows < 20:
        assert len({reached for reached, _ in told}) > 1


def test_the_number_of_requests_follows_the_number_of_changes(
    ordering_account: Sandbox, tmp_path: Path
) -> None:
    server = ordering_account
    first = run_tap("tap_kizen", settings_of(server), tmp_path)
    before = searches(server)
    change_an_hour_ago(server, contact_ids(server)[:20])
    second = run_tap("tap_kizen", settings_of(server), tmp_path, state=first.state)
    assert len(second.records_of(CONTACTS)) >= 20
    # Pages overlap by the record at which the one before ended; and the proof of the order.
    assert searches(server) - before <= 7


def test_a_refusal_is_told_once(tmp_path: Path) -> None:
    refusing = replace(servers.SMALL, kizen_refuses=("updated-ordering", "updated-filter"))
    with running(refusing) as server:
        settings = kizen_settings(server, start_date="2016-01-01T00:00:00Z")
        outcome = run_tap("tap_kizen", settings, tmp_path)
        assert outcome.code == 0
        assert outcome.err.count("refuses the filter on 'updated'") == 1
        for name in server.account.crm.records:
            rows = outcome.records_of(name)
            assert rows
            assert all(row["updated"] >= "2016" for row in rows)


def test_the_period_asked_for(account: Sandbox, tmp_path: Path) -> None:
    everything = run_tap("tap_kizen", settings_of(account), tmp_path).records_of(CONTACTS)
    stamps = sorted(row["updated"] for row in everything)
    start, end = stamps[10], stamps[30]
    settings = settings_of(account, start_date=start, end_date=end)
    outcome = run_tap("tap_kizen", settings, tmp_path)
    found = sorted(row["updated"] for row in outcome.records_of(CONTACTS))
    assert found == [stamp for stamp in stamps if start <= stamp < end]
    versions = {message["stream"] for message in outcome.of_type("ACTIVATE_VERSION")}
    assert not versions & {CONTACTS, "companies", "logged_activities"}

    # The next run, without an end, goes on from there.
    onwards = run_tap(
        "tap_kizen", settings_of(account, start_date=start), tmp_path, state=outcome.state
    )
    rest = {row["updated"] for row in onwards.records_of(CONTACTS)}
    assert {stamp for stamp in stamps if stamp >= end} <= rest
    assert min(rest) >= stamps[29]


def aged(state: dict[str, Any], hours: float) -> dict[str, Any]:
    """Let a state be so many hours older."""
    older = deepcopy(state)
    for bookmark in older["bookmarks"].values():
        for key in {"table_version", "table_read_at"} & bookmark.keys():
            bookmark[key] -= int(hours * HOUR)
    return older


def test_archived_records_are_found_by_a_full_refresh(account: Sandbox, tmp_path: Path) -> None:
    first = run_tap("tap_kizen", settings_of(account), tmp_path)
    account.account.crm.archive(CONTACTS, contact_ids(account)[3])
    settings = settings_of(account, full_refresh_every=24)
    early = run_tap("tap_kizen", settings, tmp_path, state=aged(first.state, 23))
    assert len(early.records_of(CONTACTS)) < 10
    # Between two full reads all records carry one version.
    versions = {
        message["version"]
        for outcome in (first, run_tap("tap_kizen", settings, tmp_path, state=first.state))
        for message in outcome.of_type("RECORD")
        if message["stream"] == CONTACTS
    }
    assert len(versions) == 1

    late = run_tap("tap_kizen", settings, tmp_path, state=aged(first.state, 24))
    assert {row["id"] for row in late.records_of(CONTACTS)} == set(contact_ids(account))
    (version,) = [m for m in late.of_type("ACTIVATE_VERSION") if m["stream"] == CONTACTS]
    assert {version["version"]} == {
        m["version"] for m in late.of_type("RECORD") if m["stream"] == CONTACTS
    }
    never = run_tap(
        "tap_kizen",
        settings_of(account, full_refresh_every=0),
        tmp_path,
        state=aged(first.state, 10_000),
    )
    assert len(never.records_of(CONTACTS)) < 10


def test_after_a_clock_that_was_ahead_versions_still_rise(
    ordering_account: Sandbox, tmp_path: Path
) -> None:
    server = ordering_account
    settings = settings_of(server)
    first = run_tap("tap_kizen", settings, tmp_path)
    # All that a year between the clock of the first run and the next ones leaves behind.
    ahead = aged(first.state, -24 * 365)
    was = ahead["bookmarks"][CONTACTS]["table_version"]
    second = run_tap("tap_kizen", settings, tmp_path, state=ahead)
    versions = {m["stream"]: m["version"] for m in second.of_type("ACTIVATE_VERSION")}
    assert versions[CONTACTS] == was + 1
    assert versions["companies"] > ahead["bookmarks"]["companies"]["table_version"]
    assert {row["id"] for row in second.records_of(CONTACTS)} == set(contact_ids(server))
    # The whole read counts from when it was made, not from the version it had.
    early = run_tap("tap_kizen", settings, tmp_path, state=second.state)
    assert len(early.records_of(CONTACTS)) <= 1
    assert {m["version"] for m in early.of_type("RECORD") if m["stream"] == CONTACTS} <= {was + 1}
    late = run_tap("tap_kizen", settings, tmp_path, state=aged(early.state, 24))
    (version,) = [m["version"] for m in late.of_type("ACTIVATE_VERSION") if m["stream"] == CONTACTS]
    assert version == was + 1 - 24 * HOUR + 1


def test_an_interrupted_run_goes_on_where_it_stopped(
    ordering_account: Sandbox, tmp_path: Path
) -> None:
    server = ordering_account
    first = run_tap("tap_kizen", settings_of(server), tmp_path)
    changed = contact_ids(server)
    change_an_hour_ago(server, changed)
    server.faults.add(Fault(path=SEARCH, status=400, skip=5, times=None))
    settings = settings_of(server, lookback_seconds=0)
    broken = run_tap("tap_kizen", settings, tmp_path, state=first.state)
    assert broken.code == 1
    server.faults.clear()
    sent = [row["id"] for row in broken.records_of(CONTACTS)]
    assert 0 < len(sent) < len(changed)
    reached = broken.state["bookmarks"][CONTACTS]["replication_key_value"]
    assert reached > first.state["bookmarks"][CONTACTS]["replication_key_value"]
    rest = run_tap("tap_kizen", settings, tmp_path, state=broken.state)
    again = [row["id"] for row in rest.records_of(CONTACTS)]
    assert {*sent, *again} == set(changed)
    # What a page held when it broke may come twice.
    assert len(again) <= len(changed) - len(sent) + 6


def test_a_whole_read_that_breaks_is_begun_anew(account: Sandbox, tmp_path: Path) -> None:
    account.faults.add(Fault(path=SEARCH, status=400, skip=5, times=None))
    broken = run_tap("tap_kizen", settings_of(account), tmp_path)
    assert broken.code == 1
    account.faults.clear()
    states = [message["value"] for message in broken.of_type("STATE")]
    assert all(
        "replication_key_value" not in state.get("bookmarks", {}).get(CONTACTS, {})
        for state in states
    )
    again = run_tap("tap_kizen", settings_of(account), tmp_path, state=broken.state)
    assert {row["id"] for row in again.records_of(CONTACTS)} == set(contact_ids(account))


def test_changes_in_the_midst_of_a_filtered_read_are_read_again(tmp_path: Path) -> None:
    """Without the order by `updated` a change may push another record out of sight."""
    moving = replace(servers.SMALL, kizen_refuses=("updated-ordering",), kizen_moving=1)
    with running(moving) as server:
        settings = settings_of(server, start_date="2000-01-01")
        outcome = run_tap("tap_kizen", settings, tmp_path)
        assert outcome.code == 0
        assert "records changed while they were read" in outcome.err
        assert "replication_key_value" not in outcome.state["bookmarks"].get(CONTACTS, {})
        assert CONTACTS not in {m["stream"] for m in outcome.of_type("ACTIVATE_VERSION")}


def test_logged_activities_go_on_from_the_bookmark(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kizen_settings(sandbox, objects=[])
    first = run_tap("tap_kizen", settings, tmp_path)
    kinds = list(sandbox.account.crm.logged.values())
    record = json.loads(json.dumps(kinds[1][0]))
    now = to_utc(datetime.now(timezone.utc) - timedelta(seconds=1))
    with kinds[1].lock:
        kinds[1].append({**record, "id": "new", "logged_at": now})
    second = run_tap("tap_kizen", settings, tmp_path, state=first.state)
    sent = second.records_of("logged_activities")
    assert "new" in {row["id"] for row in sent}
    assert len(sent) <= 2
    assert len(first.records_of("logged_activities")) == sum(map(len, kinds)) - 1


def test_the_sdk_does_not_call_these_streams_unsorted(
    shared_sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    outcome = run_tap("tap_kizen", kizen_settings(shared_sandbox), tmp_path)
    assert "not resumable" not in outcome.err + outcome.out
