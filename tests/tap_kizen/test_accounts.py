"""Accounts of each kind are read for what they have."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Fault, Sandbox, running
from tap_kizen.account import Entity
from tap_kizen.discovery import name_streams
from tests import servers
from tests.programs import kizen_settings, run_tap

SNAPSHOT = Path(__file__).with_name("catalog.json")


def catalog_of(server: Sandbox, folder: Path) -> dict[str, Any]:
    outcome = run_tap("tap_kizen", kizen_settings(server), folder, "--discover")
    assert outcome.code == 0, outcome.err
    catalog: dict[str, Any] = json.loads(outcome.out)
    return catalog


def test_the_catalog_is_the_one_on_file(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    """To accept a change, delete the file, run the test twice, and look at the difference."""
    found = catalog_of(shared_sandbox, tmp_path)
    if not SNAPSHOT.exists():
        text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
        SNAPSHOT.write_text(text, encoding="utf-8")
        pytest.fail(f"{SNAPSHOT.name} was written: look at it, and run again")
    assert found == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("kind", "present", "absent"),
    [
        ("legacy", {"companies"}, {"custom_objects", "companies_company"}),
        ("objects", {"custom_objects", "companies_company", "team"}, {"companies"}),
        ("both", {"companies", "companies_company"}, set()),
    ],
)
def test_either_generation_alone_is_read(
    tmp_path: Path, kind: str, present: set[str], absent: set[str]
) -> None:
    with running(replace(servers.SMALL, kizen_account=kind)) as server:
        outcome = run_tap("tap_kizen", kizen_settings(server), tmp_path)
        assert outcome.code == 0, outcome.err
        assert present <= set(outcome.streams)
        assert not absent & set(outcome.streams)
        for stream in present:
            assert outcome.records_of(stream)


def test_what_the_user_may_not_see_is_not_there(tmp_path: Path) -> None:
    hidden = ("deal_subvention", "forms")
    with running(replace(servers.SMALL, kizen_hidden=hidden)) as server:
        outcome = run_tap("tap_kizen", kizen_settings(server), tmp_path)
        assert outcome.code == 0
        assert "deal_subvention" not in outcome.streams
        assert outcome.records_of("forms") == []
        assert outcome.records_of("pipeline_stages") == []


@pytest.mark.parametrize("status", [403, 404])
def test_a_list_that_is_refused_is_skipped_with_one_warning(
    sandbox: Sandbox, tmp_path: Path, status: int
) -> None:
    body = '{"detail": "Not for you.", "code": "permission_denied"}'
    for path in ("/api/forms", "/api/records/deal_subvention/search"):
        sandbox.faults.add(Fault(path=path, status=status, body=body, times=None))
    outcome = run_tap("tap_kizen", kizen_settings(sandbox), tmp_path)
    assert outcome.code == 0, outcome.err
    for stream in ("forms", "deal_subvention"):
        lines = [line for line in outcome.err.splitlines() if f"{stream}: " in line]
        skipped = [line for line in lines if "skipped" in line]
        assert len([line for line in skipped if "WARNING" in line]) == 1
        assert len([line for line in skipped if "Summary" in line]) == 1
        assert f"answered {status}: detail: Not for you." in skipped[0]
        assert not outcome.records_of(stream)
    # What could not be read has not vanished.
    versions = {message["stream"] for message in outcome.of_type("ACTIVATE_VERSION")}
    assert not versions & {"forms", "deal_subvention"}
    assert "surveys" in versions


def test_a_parent_that_is_refused_leaves_the_others(sandbox: Sandbox, tmp_path: Path) -> None:
    kind = next(iter(sandbox.account.crm.logged))
    sandbox.faults.add(Fault(path=f"/api/activities/{kind}/responses", status=404, times=None))
    outcome = run_tap("tap_kizen", kizen_settings(sandbox), tmp_path)
    assert outcome.code == 0
    kinds = {row["activity_type_id"] for row in outcome.records_of("logged_activities")}
    assert kinds == set(sandbox.account.crm.logged) - {kind}
    versions = {message["stream"] for message in outcome.of_type("ACTIVATE_VERSION")}
    assert "logged_activities" not in versions
    assert "replication_key_value" not in outcome.state["bookmarks"].get("logged_activities", {})


def test_a_new_field_and_a_new_kind_of_field_arrive(sandbox: Sandbox, tmp_path: Path) -> None:
    objects = run_tap("tap_kizen", kizen_settings(sandbox), tmp_path).records_of("custom_objects")
    deal = next(row["id"] for row in objects if row["name"] == "deal_subvention")
    field = {"id": "0f-new", "name": "mood", "display_name": "Mood", "field_type": "hologram"}
    sandbox.faults.add(
        Fault(
            path=f"/api/custom-objects/{deal}/fields",
            status=200,
            body=json.dumps([field]),
            content_type="application/json",
            times=None,
        )
    )
    records = sandbox.account.crm.records["deal_subvention"]
    with records.lock:
        record: Any = records[0]
        record["fields"]["0f-new"] = {**field, "value": {"hue": [1, 2]}}
    settings = kizen_settings(sandbox, objects=["deal_*"])
    rows = run_tap("tap_kizen", settings, tmp_path).records_of("deal_subvention")
    assert {"hue": [1, 2]} in [row["mood"] for row in rows]
    # Fields that the account no longer describes are kept by name.
    assert all("stage" in row["additional_fields"]["fields"] for row in rows)


@pytest.mark.parametrize("name", [None, "", " ", 7])
def test_an_object_without_a_name_is_read_by_its_id(
    sandbox: Sandbox, tmp_path: Path, name: object
) -> None:
    settings = kizen_settings(sandbox)
    first = run_tap("tap_kizen", settings, tmp_path)
    found = first.records_of("custom_objects")
    deal = next(row for row in found if row["name"] == "deal_subvention")
    answered = [
        {"id": row["id"], "name": name, "object_type": "pipeline"} if row is deal else row
        for row in found
    ]
    sandbox.faults.add(
        Fault(
            path="/api/custom-objects",
            status=200,
            body=json.dumps({"count": len(found), "next": None, "results": answered}),
            content_type="application/json",
            times=None,
        )
    )
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 0, outcome.err
    wanted = first.records_of("deal_subvention")
    assert wanted
    assert outcome.records_of(deal["id"]) == wanted
    assert "deal_subvention" not in outcome.streams
    (line,) = [line for line in outcome.err.splitlines() if "no API name" in line]
    assert "WARNING" in line
    assert deal["id"] in line
    # Its fields and stages are there as well.
    for stream in ("custom_object_fields", "pipeline_stages"):
        assert outcome.records_of(stream) == first.records_of(stream)


def entity(number: int, name: str) -> Entity:
    return Entity(f"{number:08d}-0000", name, is_pipeline=False, columns=[])


def test_names_of_streams_are_unique_and_stay() -> None:
    entities = [entity(1, "Team"), entity(2, "team"), entity(3, "Deal"), entity(4, "deal")]
    entities.append(entity(5, "_Quarantine"))
    names = {each.id[:8]: name for name, each in name_streams(reversed(entities))}
    assert names == {
        "00000001": "Team_object",
        "00000002": "team_object_00000002",
        "00000003": "Deal",
        "00000004": "deal_00000004",
        "00000005": "_Quarantine_object",
    }


def test_flattening_leaves_a_column_to_every_value(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kizen_settings(shared_sandbox, flattening_enabled=True, flattening_max_depth=2)
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 0, outcome.err
    columns: dict[str, set[str]] = {}
    sent: dict[str, set[str]] = {}
    for message in map(json.loads, outcome.out.splitlines()):
        if message["type"] == "SCHEMA":
            columns[message["stream"]] = set(message["schema"]["properties"])
        elif message["type"] == "RECORD":
            sent.setdefault(message["stream"], set()).update(message["record"])
    assert "custom_fields" in sent["companies"]
    assert not any(keys - columns[name] for name, keys in sent.items())
