"""A second run asks for what changed, and no change is lost on any kind of account."""

from __future__ import annotations

import gzip
import json
import logging
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

import pytest
import requests

from sandbox.generate.crm.model import Field
from sandbox.server import Fault, running
from tap_kizen.bookmarks import Bookmark
from tap_kizen.tap import TapKizen
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


def contact_state(state: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Change what a state holds of the contacts."""
    changed = deepcopy(state)
    changed["bookmarks"][CONTACTS].update(changes)
    return changed


@pytest.mark.parametrize(
    ("bookmark", "bounds"),
    [
        ("2126-01-01T00:00:00.000000Z", {}),
        ("2126-01-01T00:00:00.000000Z", {"start_date": "2000-01-01"}),
        ("soon", {}),
        (5, {"start_date": "2000-01-01"}),
    ],
)
def test_a_bookmark_that_cannot_be_right_is_told_and_mended(
    account: Sandbox, tmp_path: Path, bookmark: Any, bounds: dict[str, str]
) -> None:
    settings = settings_of(account, full_refresh_every=0, page_size=1000, **bounds)
    first = run_tap("tap_kizen", settings, tmp_path)
    wrong = contact_state(first.state, replication_key_value=bookmark)
    mended = run_tap("tap_kizen", settings, tmp_path, state=wrong)
    assert mended.code == 0, mended.err
    assert mended.err.count("client_client: the bookmark in the state") == 1
    assert {row["id"] for row in mended.records_of(CONTACTS)} == set(contact_ids(account))
    assert mended.state["bookmarks"][CONTACTS] == {
        **first.state["bookmarks"][CONTACTS],
        **{key: value for key, value in mended.state["bookmarks"][CONTACTS].items() if "t" in key},
    }
    reached = mended.state["bookmarks"][CONTACTS]["replication_key_value"]
    assert reached == first.state["bookmarks"][CONTACTS]["replication_key_value"]
    again = run_tap("tap_kizen", settings, tmp_path, state=mended.state)
    assert "the bookmark in the state" not in again.err
    assert len(again.records_of(CONTACTS)) <= 1


@pytest.mark.parametrize(
    ("seconds", "bookmark"),
    [(10**11, None), (10**15, None), (10**400, None), (10, "0001-01-01T00:00:00Z")],
    ids=["centuries", "days beyond count", "seconds beyond count", "the first year"],
)
def test_a_look_back_may_be_longer_than_years_are_counted(
    shared_sandbox: Sandbox, tmp_path: Path, seconds: int, bookmark: str | None
) -> None:
    settings = settings_of(shared_sandbox, lookback_seconds=seconds, full_refresh_every=0)
    first = run_tap("tap_kizen", settings, tmp_path)
    changes = {} if bookmark is None else {"replication_key_value": bookmark}
    second = run_tap("tap_kizen", settings, tmp_path, state=contact_state(first.state, **changes))
    assert second.code == 0, second.err
    assert {row["id"] for row in second.records_of(CONTACTS)} == set(contact_ids(shared_sandbox))


def test_a_bookmark_in_the_future_of_an_empty_list_goes(sandbox: Sandbox, tmp_path: Path) -> None:
    for key in contact_ids(sandbox):
        sandbox.account.crm.archive(CONTACTS, key)
    settings = settings_of(sandbox)
    first = run_tap("tap_kizen", settings, tmp_path)
    ahead = contact_state(
        first.state, replication_key="updated", replication_key_value="2126-01-01T00:00:00Z"
    )
    mended = run_tap("tap_kizen", settings, tmp_path, state=ahead)
    assert "client_client: the bookmark in the state lies in the future" in mended.err
    assert "replication_key_value" not in mended.state["bookmarks"][CONTACTS]


def test_a_service_whose_clock_is_ahead_is_believed(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(sandbox)
    first = run_tap("tap_kizen", settings, tmp_path)
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    ahead = contact_state(first.state, replication_key_value=to_utc(tomorrow))
    monkeypatch.setattr("tap_kizen.client.server_time", lambda _: tomorrow + timedelta(hours=1))
    second = run_tap("tap_kizen", settings, tmp_path, state=ahead)
    assert second.code == 0, second.err
    assert "the bookmark in the state" not in second.err
    assert second.records_of(CONTACTS) == []


def test_the_read_began_before_the_service_began_to_answer(shared_sandbox: Sandbox) -> None:
    stream = TapKizen(config=settings_of(shared_sandbox)).streams[CONTACTS]
    state: dict[str, Any] = {}
    bookmark = Bookmark(cast("Any", stream), state, None)
    response = requests.Response()
    response.headers["Date"] = "Sun, 01 Mar 2026 11:00:30 GMT"
    response.elapsed = timedelta(seconds=30)
    bookmark.answered(response)
    bookmark.wants(datetime(2026, 3, 1, 11, 0, 20, tzinfo=timezone.utc))
    bookmark.save()
    assert state["replication_key_value"] == "2026-03-01T11:00:00.000000Z"


def test_a_start_in_the_future_is_told(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = settings_of(shared_sandbox, start_date="2126-01-01")
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 0
    told = "setting 'start_date' (TAP_KIZEN_START_DATE) lies in the future"
    assert outcome.err.count(told) == 1


NICKNAME = Field("nickname", "Nickname", "text")


@pytest.mark.parametrize(
    "changes", [{"full_refresh_every": 0}, {"start_date": "2000-01-01"}], ids=str
)
def test_a_new_field_is_filled_in_all_rows_by_the_next_run(
    account: Sandbox, tmp_path: Path, changes: dict[str, Any]
) -> None:
    settings = settings_of(account, page_size=1000, **changes)
    crm = account.account.crm
    state = run_tap("tap_kizen", settings, tmp_path).state
    steps: list[tuple[Field, Any, dict[str, Any]]] = [
        (NICKNAME, "7", {"nickname": "7"}),
        (NICKNAME._replace(field_type="integer"), 7, {"nickname": 7}),
        # Hidden ones come or do not; to show one is what changes what rows hold.
        (NICKNAME._replace(is_hidden=True, name="secret"), None, {"secret": None}),
        (NICKNAME._replace(name="secret"), "8", {"secret": "8"}),
        (NICKNAME._replace(field_type="email"), "a@example.org", {"nickname": "a@example.org"}),
    ]
    for field, value, expected in steps:
        crm.add_field(CONTACTS, field, value)
        outcome = run_tap("tap_kizen", settings, tmp_path, state=state)
        assert outcome.code == 0, outcome.err
        rows = outcome.records_of(CONTACTS)
        assert {row["id"] for row in rows} == set(contact_ids(account)), field
        assert all(expected.items() <= row.items() for row in rows)
        told = f"client_client: new or changed since the last run: {field.name}: all records"
        assert outcome.err.count(told) == 1
        state = outcome.state
        again = run_tap("tap_kizen", settings, tmp_path, state=state)
        assert len(again.records_of(CONTACTS)) <= 1, field
        assert "new or changed" not in again.err


def test_a_field_that_goes_or_is_hidden_is_no_reason_to_read_all(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    crm = sandbox.account.crm
    crm.add_field(CONTACTS, NICKNAME, "Zaza")
    settings = settings_of(sandbox, page_size=1000)
    state = run_tap("tap_kizen", settings, tmp_path).state
    crm.add_field(CONTACTS, NICKNAME._replace(is_hidden=True), "Zaza")
    hidden = run_tap("tap_kizen", settings, tmp_path, state=state)
    assert len(hidden.records_of(CONTACTS)) <= 1
    model = crm.objects[CONTACTS]
    crm.objects[CONTACTS] = model._replace(fields=model.fields[:-1])
    gone = run_tap("tap_kizen", settings, tmp_path, state=hidden.state)
    assert len(gone.records_of(CONTACTS)) <= 1
    # Rows that changed meanwhile have lost its values.
    crm.objects[CONTACTS] = model
    back = run_tap("tap_kizen", settings, tmp_path, state=gone.state)
    assert len(back.records_of(CONTACTS)) == len(contact_ids(sandbox))


def test_a_column_that_was_left_out_before_is_filled_in_all_rows(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = settings_of(sandbox, page_size=1000)
    discovered = run_tap("tap_kizen", settings, tmp_path, "--discover")
    catalog = json.loads(discovered.out)
    without = deepcopy(catalog)
    for stream in without["streams"]:
        for entry in stream["metadata"]:
            if entry["breadcrumb"] == ["properties", "first_name"]:
                entry["metadata"]["selected"] = False
    first = run_tap("tap_kizen", settings, tmp_path, catalog=without)
    assert all("first_name" not in row for row in first.records_of(CONTACTS))
    second = run_tap("tap_kizen", settings, tmp_path, catalog=catalog, state=first.state)
    rows = second.records_of(CONTACTS)
    assert len(rows) == len(contact_ids(sandbox))
    assert any(row["first_name"] for row in rows)
    assert "client_client: new or changed since the last run: first_name: all" in second.err


def test_large_values_that_were_not_fetched_before_are(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = settings_of(sandbox, fetch_large_values=False)
    first = run_tap("tap_kizen", settings, tmp_path)
    second = run_tap("tap_kizen", settings_of(sandbox, page_size=1000), tmp_path, state=first.state)
    assert len(second.records_of(CONTACTS)) == len(contact_ids(sandbox))


def test_an_object_made_anew_under_the_same_name_is_read_whole(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = settings_of(sandbox, page_size=1000, full_refresh_every=0)
    first = run_tap("tap_kizen", settings, tmp_path)
    headers = {
        "X-API-Key": settings["api_key"],
        "X-User-Id": settings["user_id"],
        "X-Business-Id": settings["business_id"],
    }
    url = f"{sandbox.kizen_url}/custom-objects"
    fields = requests.get(f"{url}/{CONTACTS}/fields", headers=headers, timeout=30).text
    anew = {"id": "anew", "name": CONTACTS, "object_type": "standard"}
    body = json.dumps({"next": None, "results": [anew]})
    for path, text in (("", body), ("/*/fields", fields)):
        sandbox.faults.add(
            Fault(path=f"/api/custom-objects{path}", status=200, body=text, times=None)
        )
    second = run_tap("tap_kizen", settings, tmp_path, state=first.state)
    assert second.code == 0, second.err
    assert len(second.records_of(CONTACTS)) == len(contact_ids(sandbox))
    third = run_tap("tap_kizen", settings, tmp_path, state=second.state)
    assert len(third.records_of(CONTACTS)) <= 1


def test_a_whole_read_for_a_new_field_that_breaks_is_begun_anew(
    account: Sandbox, tmp_path: Path
) -> None:
    settings = settings_of(account, start_date="2000-01-01")
    first = run_tap("tap_kizen", settings, tmp_path)
    account.account.crm.add_field(CONTACTS, NICKNAME, "Zaza")
    account.faults.add(Fault(path=SEARCH, status=400, skip=5, times=None))
    broken = run_tap("tap_kizen", settings, tmp_path, state=first.state)
    assert broken.code == 1
    account.faults.clear()
    again = run_tap("tap_kizen", settings, tmp_path, state=broken.state)
    assert {row["id"] for row in again.records_of(CONTACTS)} == set(contact_ids(account))
    assert {row["nickname"] for row in again.records_of(CONTACTS)} == {"Zaza"}


def test_a_state_of_an_earlier_version_is_gone_on_from(sandbox: Sandbox, tmp_path: Path) -> None:
    first = run_tap("tap_kizen", settings_of(sandbox, page_size=1000), tmp_path)
    older = deepcopy(first.state)
    for bookmark in older["bookmarks"].values():
        bookmark.pop("columns", None)
    second = run_tap("tap_kizen", settings_of(sandbox, page_size=1000), tmp_path, state=older)
    assert len(second.records_of(CONTACTS)) <= 1
    assert second.state["bookmarks"][CONTACTS]["columns"]


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
