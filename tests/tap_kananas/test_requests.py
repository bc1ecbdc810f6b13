"""More lists by settings, page by page, and by what changed since."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox.server import Fault, Options, running
from tap_kananas.resources import writing_word
from tap_kananas.streams import AccountStream
from tap_kananas.tap import TapKananas
from tests.programs import kananas_settings, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.server import Sandbox

SCRIPT = "/action_manager.php"
PAGES = {"kind": "page", "parameter": "page", "size_parameter": "limit", "size": 20}
OFFSETS = {"kind": "offset", "parameter": "offset", "size_parameter": "limit", "size": 20}


def contacts(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "contacts", "request": "contacts", **changes}]


def queries(server: Sandbox) -> list[str]:
    return [arrival.query for arrival in server.requests]


def ids(records: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(str(record["id"]) for record in records)


def test_another_request_is_another_stream(sandbox: Sandbox, tmp_path: Path) -> None:
    requests = [{"name": "branches", "request": "entities", "params": {"lang": "fr", "all": 1}}]
    settings = kananas_settings(sandbox, requests=requests)
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 0, outcome.err
    streams = [message["stream"] for message in outcome.of_type("SCHEMA")]
    assert streams == ["branches", "contacts"]
    assert "event=api&request=entities&lang=fr&all=1" in queries(sandbox)
    assert len(outcome.records) == 120 + 4


@pytest.mark.parametrize(
    ("heeded", "paging"), [("page", PAGES), ("offset", OFFSETS), ("page", {**PAGES, "first": 1})]
)
@pytest.mark.parametrize("number", [0, 19, 40, 50])
def test_every_page_is_read(
    tmp_path: Path, heeded: str, paging: dict[str, Any], number: int
) -> None:
    options = Options(contacts=number, companies=5, kananas_paging=heeded)
    with running(options) as server:
        settings = kananas_settings(server, requests=contacts(paging=paging))
        outcome = run_tap("tap_kananas", settings, tmp_path)
        assert outcome.code == 0, outcome.err
        assert ids(outcome.records) == ids(server.account.contacts)
        # A page after the last full or short one shows that nothing follows. Then all full ones
        # are asked for again, backwards.
        assert len(queries(server)) == -(-number // 20) + 1 + number // 20
    assert "allows" not in outcome.err


def test_a_service_that_pays_no_heed_does_not_go_on_for_ever(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = kananas_settings(sandbox, requests=contacts(paging=PAGES))
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 1
    assert "page 2 is page 1 again: the service pays no heed to the parameter 'page'" in outcome.err
    assert "check setting 'requests'" in outcome.last_line
    assert outcome.out == ""
    assert len(queries(sandbox)) == 2


def test_one_page_that_comes_again_is_read_once(sandbox: Sandbox, tmp_path: Path) -> None:
    paging = {**PAGES, "size": 500}
    settings = kananas_settings(sandbox, requests=contacts(paging=paging))
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 0, outcome.err
    assert len(outcome.records) == 120
    assert "page 2 is page 1 again" in outcome.err


@pytest.mark.parametrize(("number", "code"), [(45, 0), (60, 1)])
def test_a_service_that_begins_anew_past_the_end_does_not_go_on_for_ever(
    tmp_path: Path, number: int, code: int
) -> None:
    with running(Options(contacts=number, companies=5, kananas_paging="page")) as server:
        body = json.dumps(server.account.contacts[20:40])
        for page in (2, 4):
            query = f"page={page}&"
            server.faults.add(Fault(path=SCRIPT, query=query, times=None, status=200, body=body))
        settings = kananas_settings(server, requests=contacts(paging=PAGES))
        outcome = run_tap("tap_kananas", settings, tmp_path)
        assert outcome.code == code, outcome.err
        assert "page 4 is page 2 again" in outcome.err
        # After a full page nobody knows whether the list has ended: nothing may count as gone.
        assert ids(outcome.records) == ([] if code else ids(server.account.contacts))


REFUSALS = {
    "404": (404, "<html><title>404</title></html>"),
    "400": (400, '{"error": "no such page"}'),
    "error": (200, '{"error": "no such page"}'),
    "nothing": (200, '{"contacts": null}'),
}


@pytest.mark.parametrize("path", [None, "contacts"])
@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("number", [9, 50])
def test_a_list_ends_where_the_page_after_a_short_one_is_refused(
    tmp_path: Path, number: int, refusal: str, path: str | None
) -> None:
    request = contacts(paging=PAGES, **({"records_path": path} if path else {}))
    last = -(-number // 20)
    with running(Options(contacts=number, companies=5, kananas_paging="page")) as server:
        query = f"page={last + 1}"
        status, body = REFUSALS[refusal]
        server.faults.add(Fault(path=SCRIPT, query=query, times=None, status=status, body=body))
        settings = kananas_settings(server, requests=request)
        outcome = run_tap("tap_kananas", settings, tmp_path)
        assert outcome.code == 0, outcome.err
        assert ids(outcome.records) == ids(server.account.contacts)
    assert f"page {last + 1} was refused: the list ends with page {last}" in outcome.err
    assert outcome.of_type("ACTIVATE_VERSION")


def test_a_list_ends_before_a_page_that_is_not_found(tmp_path: Path) -> None:
    with running(Options(contacts=40, companies=5, kananas_paging="page")) as server:
        server.faults.add(Fault(path=SCRIPT, query="page=3", times=None, status=404, body="{}"))
        settings = kananas_settings(server, requests=contacts(paging=PAGES))
        outcome = run_tap("tap_kananas", settings, tmp_path)
        assert outcome.code == 0, outcome.err
        assert ids(outcome.records) == ids(server.account.contacts)
    assert "page 3 was refused: the list ends with page 2" in outcome.err


@pytest.mark.parametrize("refusal", [name for name in REFUSALS if name != "404"])
def test_a_page_that_is_refused_after_a_full_one_is_a_failure(tmp_path: Path, refusal: str) -> None:
    with running(Options(contacts=50, companies=5, kananas_paging="page")) as server:
        status, body = REFUSALS[refusal]
        server.faults.add(Fault(path=SCRIPT, query="page=3", times=None, status=status, body=body))
        settings = kananas_settings(server, requests=contacts(paging=PAGES))
        outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 1
    assert outcome.out == ""


@pytest.mark.parametrize(("failing", "code"), [(3, 1), (4, 0)])
def test_where_no_page_is_full_a_refused_one_ends_the_list_only_after_one_that_is_shorter_still(
    tmp_path: Path, failing: int, code: int
) -> None:
    # Pages of 20, 20 and 10 where 100 were asked for.
    paging = {"kind": "page", "parameter": "page", "size": 100}
    request = contacts(paging=paging, params={"limit": "20"})
    with running(Options(contacts=50, companies=5, kananas_paging="page")) as server:
        query, body = f"page={failing}", '{"error": "busy"}'
        server.faults.add(Fault(path=SCRIPT, query=query, times=None, status=200, body=body))
        settings = kananas_settings(server, requests=request)
        outcome = run_tap("tap_kananas", settings, tmp_path)
        assert outcome.code == code, outcome.err
        assert len(outcome.records) == (0 if code else 50)


def test_a_page_that_breaks_off_after_a_short_one_is_a_failure(tmp_path: Path) -> None:
    with running(Options(contacts=9, companies=5, kananas_paging="page")) as server:
        server.faults.add(Fault(path=SCRIPT, query="page=2", times=None, status=200, body="[{"))
        settings = kananas_settings(server, requests=contacts(paging=PAGES))
        outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 1
    assert outcome.out == ""


def test_a_service_with_smaller_pages_loses_nothing(tmp_path: Path) -> None:
    with running(Options(contacts=50, companies=5, kananas_paging="offset")) as server:
        # The size is not sent as the service spells it, so every page has what it likes.
        paging = {**OFFSETS, "size": 500}
        for page in ([0, 1, 2], [3, 4], [], [0, 1, 2]):
            body = json.dumps([{"id": number} for number in page])
            server.faults.add(Fault(path=SCRIPT, status=200, body=body))
        settings = kananas_settings(server, requests=contacts(paging=paging))
        outcome = run_tap("tap_kananas", settings, tmp_path)
        asked = queries(server)
    assert outcome.code == 0, outcome.err
    assert [record["id"] for record in outcome.records] == [0, 1, 2, 3, 4]
    assert [query.split("offset=")[1].split("&")[0] for query in asked] == ["0", "3", "5", "0"]
    assert "the service allows 3 records in a page, not 500" in outcome.err


def test_the_example_of_the_documentation_works(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "kananas.md"
    found = re.search(r"<!-- requests -->\n```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert found
    example = yaml.safe_load(found[1])["config"]
    with running(Options(contacts=30, companies=5, kananas_paging="page")) as server:
        outcome = run_tap("tap_kananas", kananas_settings(server, **example), tmp_path)
        assert outcome.code == 0, outcome.err
        assert ids(outcome.records_of("contacts")) == ids(server.account.contacts)
    assert len(outcome.records_of("entities")) == 4


INCREMENTAL = contacts(replication_key="updated_at", replication_parameter="updated_since")


def test_a_second_run_asks_for_what_changed(tmp_path: Path) -> None:
    with running(Options(contacts=60, companies=5, kananas_paging="page")) as server:
        settings = kananas_settings(server, requests=INCREMENTAL, timezone="Europe/Paris")
        first = run_tap("tap_kananas", settings, tmp_path)
        assert first.code == 0, first.err
        assert len(first.records) == 60
        assert not first.of_type("ACTIVATE_VERSION")
        state = first.state
        bookmark = state["bookmarks"]["contacts"]["replication_key_value"]
        assert bookmark == max(record["updated_at"] for record in first.records)
        second = run_tap("tap_kananas", settings, tmp_path, state=state)
        assert second.code == 0, second.err
        assert "updated_since=" in queries(server)[-1]
    assert {record["updated_at"] for record in second.records} == {bookmark}
    assert 1 <= len(second.records) < 60
    again = second.state["bookmarks"]["contacts"]
    assert again["replication_key_value"] == bookmark


def test_nothing_new_leaves_types_and_bookmark_alone(tmp_path: Path) -> None:
    with running(Options(contacts=10, companies=5, kananas_paging="page")) as server:
        settings = kananas_settings(server, requests=INCREMENTAL)
        first = run_tap("tap_kananas", settings, tmp_path)
        state = first.state
        server.faults.add(Fault(path=SCRIPT, query="updated_since", status=200, body="[]"))
        second = run_tap("tap_kananas", settings, tmp_path, state=state)
    assert second.code == 0, second.err
    assert second.records == []
    before, after = (
        outcome.of_type("SCHEMA")[0]["schema"]["properties"] for outcome in (first, second)
    )
    assert after == {name: before[name] for name in ("id", "updated_at")}
    bookmarks = [
        outcome.state["bookmarks"]["contacts"]["replication_key_value"]
        for outcome in (first, second)
    ]
    assert bookmarks[0] == bookmarks[1]


def test_the_bound_is_written_as_the_service_wants_it(tmp_path: Path) -> None:
    with running(Options(contacts=10, companies=5, kananas_paging="page")) as server:
        requests = contacts(
            replication_key="updated_at",
            replication_parameter="updated_since",
            replication_format="%d/%m/%Y %H:%M",
        )
        settings = kananas_settings(server, requests=requests, timezone="Europe/Paris")
        bookmark = {
            "replication_key": "updated_at",
            "replication_key_value": "2026-07-01T22:30:00Z",
        }
        state = {"bookmarks": {"contacts": bookmark}}
        server.faults.add(Fault(path=SCRIPT, query="updated_since", status=200, body="[]"))
        outcome = run_tap("tap_kananas", settings, tmp_path, state=state)
        assert outcome.code == 0, outcome.err
        assert queries(server)[-1].endswith("updated_since=01%2F07%2F2026+23%3A29")


def test_a_replication_key_that_is_not_there_is_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    requests = contacts(replication_key="changed", replication_parameter="since")
    outcome = run_tap("tap_kananas", kananas_settings(sandbox, requests=requests), tmp_path)
    assert outcome.code == 1
    assert "no column 'changed'" in outcome.last_line


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ([{"name": "x"}], "'requests'[0]: 'request' is a required property"),
        ([{"name": "X y", "request": "x"}], "'requests'[0]['name']"),
        ([{"name": "x", "request": "x", "keys": []}], "'keys' was unexpected"),
        ([{"name": "x", "request": "a"}, {"name": "x", "request": "b"}], "the name is there twice"),
        (contacts(request="add_contact"), "says 'add', and the tap only reads"),
        (contacts(paging={"kind": "page"}), "paging by page needs parameter and size"),
        (contacts(paging={"kind": "cursor"}), "'requests'[0]['paging']['kind']"),
        (contacts(replication_key="updated"), "go together"),
        (contacts(params={"event": "x"}), "'event' is sent by the tap itself"),
        (contacts(params={"token": "x"}), "never in the address"),
        (contacts(params={"key": "sandbox-kananas-token"}), "never in the address"),
        (contacts(params={"page": 1}, paging=PAGES), "'page' is given twice"),
    ],
)
def test_settings_that_cannot_work_are_told(
    shared_sandbox: Sandbox, tmp_path: Path, requests: list[dict[str, Any]], words: str
) -> None:
    settings = kananas_settings(shared_sandbox, requests=requests)
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 2
    assert words in outcome.last_line
    assert "sandbox-kananas-token" not in outcome.err


@pytest.mark.parametrize("value", ["contacts", "contacts_updated", "news", "settings", "products"])
def test_reading_is_told_from_writing(value: str) -> None:
    assert writing_word(value) is None


@pytest.mark.parametrize(
    "value",
    ["add_contact", "contactDelete", "DELETE", "création", "expense-creation", "updateContact"],
)
def test_writing_is_told_from_reading(value: str) -> None:
    assert writing_word(value) is not None


def test_an_unknown_zone_is_told(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kananas_settings(shared_sandbox, timezone="Europe/Pariss")
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 2
    assert "setting 'timezone' names no time zone" in outcome.last_line


def test_nothing_but_get_leaves_the_tap(tmp_path: Path) -> None:
    requests = [*contacts(paging=PAGES), {"name": "branches", "request": "entities"}]
    with running(Options(contacts=30, companies=5, kananas_paging="page")) as server:
        settings = kananas_settings(server, requests=requests)
        outcome = run_tap("tap_kananas", settings, tmp_path)
        assert outcome.code == 0, outcome.err
        assert {arrival.method for arrival in server.requests} == {"GET"}
    (stream, *_) = TapKananas(config=settings, setup_mapper=False).discover_streams()
    assert isinstance(stream, AccountStream)
    with pytest.raises(AttributeError, match="only reads"):
        stream.http_method = "POST"
