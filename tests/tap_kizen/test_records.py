"""Every object, field and value of an account arrives, typed, and nothing else is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from sandbox.server import Fault, running
from tap_kizen.timestamps import parse_timestamp, to_utc
from tests import servers
from tests.programs import kizen_settings, run_tap

if TYPE_CHECKING:
    from sandbox.server import Sandbox
    from tests.programs import Outcome

CATALOG = json.loads(Path(__file__).with_name("catalog.json").read_text(encoding="utf-8"))
OBJECTS = {"client_client", "companies_company", "deal_subvention", "projet_projet"}
FIXED = {stream["tap_stream_id"] for stream in CATALOG["streams"]} - OBJECTS


def served_counts(server: Sandbox) -> dict[str, int]:
    crm = server.account.crm
    lists = {name: len(entries) for name, entries in crm.lists.items()}
    lists["activity_types"] = lists.pop("activities")
    return {
        **{name: len(records) for name, records in crm.records.items()},
        **lists,
        "companies": len(crm.companies),
        "logged_activities": sum(len(records) for records in crm.logged.values()),
        "scheduled_activities": len(crm.scheduled),
        "pipeline_stages": len(crm.stages),
        "custom_objects": len(crm.records),
    }


def values_of(record: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    return {
        entry["name"]: (entry["field_type"], entry.get("value"))
        for entry in record["fields"].values()
    }


@pytest.mark.parametrize("page_size", [7, 1000])
def test_every_record_of_every_stream_comes_once(
    shared_sandbox: Sandbox, tmp_path: Path, page_size: int
) -> None:
    outcome = run_tap("tap_kizen", kizen_settings(shared_sandbox, page_size=page_size), tmp_path)
    assert outcome.code == 0, outcome.err
    assert set(outcome.streams) == FIXED | OBJECTS
    assert served_counts(shared_sandbox).keys() == (FIXED | OBJECTS) - {"custom_object_fields"}
    # One SCHEMA per stream, children included.
    assert len(outcome.streams) == len(FIXED | OBJECTS)
    for stream, count in served_counts(shared_sandbox).items():
        ids = [record["id"] for record in outcome.records_of(stream)]
        assert len(ids) == count, stream
        assert len(set(ids)) == count, stream


def test_every_record_keeps_to_its_schema(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    outcome = run_tap("tap_kizen", kizen_settings(shared_sandbox), tmp_path)
    checks = {
        message["stream"]: Draft7Validator(
            message["schema"], format_checker=Draft7Validator.FORMAT_CHECKER
        )
        for message in outcome.of_type("SCHEMA")
    }
    columns = {
        message["stream"]: message["schema"]["properties"].keys()
        for message in outcome.of_type("SCHEMA")
    }
    for message in outcome.of_type("RECORD"):
        schema = checks[message["stream"]]
        schema.validate(message["record"])
        assert message["record"].keys() <= columns[message["stream"]]


def expected(name: str, field_type: str, value: Any) -> dict[str, Any]:
    """What the columns of a field hold, worked out another way than the tap does."""
    if field_type == "money":
        parts = value or {}
        amount = parts.get("amount")
        return {
            f"{name}_amount": None if amount is None else float(amount),
            f"{name}_currency": parts.get("currency"),
            f"{name}_symbol": parts.get("symbol"),
        }
    if field_type in {"dropdown", "radio", "status", "yesnomaybe"}:
        return {f"{name}_{part}": (value or {}).get(part) for part in ("id", "code", "name")}
    if field_type in {"relationship", "team_selector", "selector", "choices"}:
        many = value if isinstance(value, list) else [value] if value else None
        one = many[0] if many and len(many) == 1 else {}
        return {name: many, f"{name}_id": one.get("id")}
    if field_type == "datetime" and value:
        moment = parse_timestamp(value)
        assert moment is not None
        return {name: to_utc(moment)}
    if field_type == "decimal" and value is not None:
        return {name: float(value)}
    return {name: value}


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_every_value_is_in_its_columns(shared_sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    settings = kizen_settings(shared_sandbox, objects=[name])
    outcome = run_tap("tap_kizen", settings, tmp_path)
    rows = {row["id"]: row for row in outcome.records_of(name)}
    for record in json.loads(json.dumps(list(shared_sandbox.account.crm.records[name]))):
        row = rows[record["id"]]
        for field, (field_type, value) in values_of(record).items():
            if "value_summary" in json.dumps(record["fields"]) and value is None:
                continue
            for column, held in expected(field, field_type, value).items():
                assert row[column] == held, (column, value)
        assert "fields" not in row["additional_fields"]
        assert row["additional_fields"]["access"] == record["access"]


def large(outcome: Outcome) -> list[dict[str, Any]]:
    return [row for row in outcome.records_of("projet_projet") if row["participants"] != []]


def test_values_that_are_too_many_for_a_record_are_fetched(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    summaries = {
        str(record["id"]): entry["value_summary"]["count"]
        for record in json.loads(json.dumps(list(sandbox.account.crm.records["projet_projet"])))
        for entry in record["fields"].values()
        if "value_summary" in entry
    }
    assert summaries
    settings = kizen_settings(sandbox, objects=["projet_projet"], page_size=10)
    rows = {
        row["id"]: row
        for row in run_tap("tap_kizen", settings, tmp_path).records_of("projet_projet")
    }
    for key, count in summaries.items():
        assert len({person["id"] for person in rows[key]["participants"]}) == count
        assert "fields" not in rows[key]["additional_fields"]

    before = len(sandbox.requests)
    without = run_tap("tap_kizen", {**settings, "fetch_large_values": False}, tmp_path)
    assert not any("field-values" in request.path for request in list(sandbox.requests)[before:])
    for row in without.records_of("projet_projet"):
        if row["id"] in summaries:
            kept = row["additional_fields"]["fields"]["participants"]
            assert row["participants"] is None
            assert kept["value_summary"] == {"count": summaries[row["id"]]}


@pytest.mark.parametrize("is_bare", [False, True])
def test_fetched_values_may_be_of_any_kind(
    sandbox: Sandbox, tmp_path: Path, *, is_bare: bool
) -> None:
    """Without an id, a value is told by what it holds: its list is read in both directions."""
    values = [{"id": "1", "name": "a"}, {"name": "b"}, {"name": "c"}, "d", 5, {"name": "e"}]
    # Two pages may look the same.
    pages = [values[2:4], values[2:4], values[:2], values[4:]]
    for number, page in enumerate(pages, start=1):
        body = {"results": page, "next": "more" if number < 4 else None}
        fault = Fault(
            path="/api/records/*/field-values/*",
            query=f"page={number}&",
            status=200,
            body=json.dumps(values if is_bare else body),
            times=None,
        )
        sandbox.faults.add(fault)
    outcome = run_tap(
        "tap_kizen", kizen_settings(sandbox, objects=["projet_projet"], page_size=10), tmp_path
    )
    assert outcome.code == 0, outcome.err
    fetched = [row["participants"] for row in large(outcome) if "d" in row["participants"]]
    assert fetched
    for found in fetched:
        assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, values))


def test_patterns_choose_the_objects(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    ids = {
        row["name"]: row["id"]
        for row in run_tap("tap_kizen", kizen_settings(shared_sandbox), tmp_path).records_of(
            "custom_objects"
        )
    }
    for changes, left in (
        ({"objects": ["c*"]}, {"client_client", "companies_company"}),
        ({"exclude_objects": ["*_projet", "deal_*"]}, {"client_client", "companies_company"}),
        ({"objects": [ids["projet_projet"]]}, {"projet_projet"}),
        ({"objects": []}, set()),
    ):
        settings = kizen_settings(shared_sandbox, **changes)
        outcome = run_tap("tap_kizen", settings, tmp_path)
        assert set(outcome.streams) == FIXED | left
        # What an object is remains known, though its records are not read.
        assert len(outcome.records_of("custom_objects")) == len(OBJECTS)


def test_what_no_column_can_hold_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    records = sandbox.account.crm.records["deal_subvention"]
    with records.lock:
        record: Any = records[0]
        by_name = {entry["name"]: entry for entry in record["fields"].values()}
        by_name["rate"]["value"] = "about a half"
        by_name["amount"]["value"] = {"currency": "EUR", "symbol": "€", "amount": 1, "tax": 0.2}
        record["fields"]["f-new"] = {"id": "f-new", "name": "newer", "value": 5}
        record["score"] = 3
    settings = kizen_settings(sandbox, objects=["deal_*"])
    rows = run_tap("tap_kizen", settings, tmp_path).records_of("deal_subvention")
    row = next(row for row in rows if row["id"] == record["id"])
    assert row["rate"] is None
    assert row["amount_amount"] == 1
    assert row["additional_fields"]["score"] == 3
    kept = row["additional_fields"]["fields"]
    assert kept.keys() == {"rate", "amount", "newer"}
    assert kept["rate"]["value"] == "about a half"
    assert kept["amount"]["value"]["tax"] == 0.2
    assert kept["newer"]["value"] == 5


@pytest.mark.parametrize("seed", range(4))
def test_records_that_move_while_they_are_read(tmp_path: Path, seed: int) -> None:
    with running(replace(servers.SMALL, kizen_moving=2, seed=seed)) as server:
        before = {
            name: {str(record["id"]) for record in records}
            for name, records in server.account.crm.records.items()
        }
        outcome = run_tap("tap_kizen", kizen_settings(server, page_size=6), tmp_path)
        assert outcome.code == 0, outcome.err
        assert server.account.crm.archived
        for name, ids in before.items():
            found = [row["id"] for row in outcome.records_of(name)]
            assert ids - set(server.account.crm.archived) <= set(found)
            assert len(found) == len(set(found))


def test_batch_files_carry_the_version_that_is_activated(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    batches = {
        "encoding": {"format": "jsonl", "compression": "none"},
        "storage": {"root": tmp_path.as_uri()},
        "batch_size": 20,
    }
    settings = kizen_settings(shared_sandbox, batch_config=batches)
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 0, outcome.err
    activated = {message["stream"]: message for message in outcome.of_type("ACTIVATE_VERSION")}
    assert "companies" in activated
    announced: set[str] = set()
    for message in outcome.messages:
        if message["type"] == "ACTIVATE_VERSION":
            announced.add(message["stream"])
        elif message["type"] == "BATCH":
            # None may come after the version: its rows would count as vanished.
            assert message["stream"] not in announced
            if message["stream"] in activated:
                assert message["version"] == activated[message["stream"]]["version"]


def test_legacy_clients_are_read_where_asked_for(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kizen_settings(shared_sandbox, legacy_clients=True, objects=[])
    outcome = run_tap("tap_kizen", settings, tmp_path)
    served = {client["id"] for client in shared_sandbox.account.crm.clients}
    assert {record["id"] for record in outcome.records_of("clients")} == served
