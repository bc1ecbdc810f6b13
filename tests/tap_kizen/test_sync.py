"""What the tap sends: every company once, over pages, with nothing lost."""

from __future__ import annotations

import logging
from copy import deepcopy
from typing import TYPE_CHECKING

from singer_sdk.helpers._typing import conform_record_data_types
from singer_sdk.helpers.conform import TypeConformanceLevel

from sandbox.server import Fault
from tests.programs import kizen_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox


def test_every_company_comes_once_over_pages(legacy_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kizen_settings(legacy_sandbox, page_size=10)
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 0, outcome.err
    served = {company["id"]: company for company in legacy_sandbox.account.companies}
    sent = outcome.records
    assert len(sent) == len(served)
    for record in sent:
        company = served[record["id"]]
        for key in ("name", "email", "addresses", "tags", "domains", "custom_fields"):
            assert record[key] == company[key]
        assert record["created"].endswith("Z")


def test_records_are_what_the_sdk_would_make_of_them(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The tap brings values into type itself, and spares the SDK's way to do so."""
    outcome = run_tap("tap_kizen", kizen_settings(shared_sandbox), tmp_path)
    schemas = {message["stream"]: message["schema"] for message in outcome.of_type("SCHEMA")}
    seen = set()
    for message in outcome.of_type("RECORD"):
        seen.add(message["stream"])
        conforming = conform_record_data_types(
            stream_name=message["stream"],
            record=deepcopy(message["record"]),
            schema=schemas[message["stream"]],
            level=TypeConformanceLevel.ROOT_ONLY,
            logger=logging.getLogger(),
        )
        assert conforming == message["record"]
    assert seen == schemas.keys()


def test_the_page_size_is_always_sent(legacy_sandbox: Sandbox, tmp_path: Path) -> None:
    run_tap("tap_kizen", kizen_settings(legacy_sandbox), tmp_path)
    probe, whole = legacy_sandbox.requests.to("/api/company")
    assert sorted(probe.query.split("&")) == ["page=1", "page_size=1"]
    assert sorted(whole.query.split("&")) == ["ordering=created", "page=1", "page_size=1000"]


def test_keys_no_schema_knows_are_kept(legacy_sandbox: Sandbox, tmp_path: Path) -> None:
    with legacy_sandbox.account.companies.lock:
        legacy_sandbox.account.companies[3]["owner"] = {"id": "o-1"}
    outcome = run_tap("tap_kizen", kizen_settings(legacy_sandbox), tmp_path)
    kept = [record["additional_fields"] for record in outcome.records]
    assert [fields for fields in kept if fields] == [{"owner": {"id": "o-1"}}]


def test_the_version_follows_the_last_record(legacy_sandbox: Sandbox, tmp_path: Path) -> None:
    outcome = run_tap("tap_kizen", kizen_settings(legacy_sandbox), tmp_path)
    kinds = [message["type"] for message in outcome.messages]
    assert kinds.index("ACTIVATE_VERSION") > max(
        index for index, kind in enumerate(kinds) if kind == "RECORD"
    )


def test_a_read_that_fails_activates_nothing(legacy_sandbox: Sandbox, tmp_path: Path) -> None:
    legacy_sandbox.faults.add(Fault(path="/api/company", query="page=3", status=400, times=None))
    outcome = run_tap("tap_kizen", kizen_settings(legacy_sandbox, page_size=10), tmp_path)
    assert outcome.code == 1
    assert len(outcome.records) == 15
    assert not outcome.of_type("ACTIVATE_VERSION")


def test_start_date_leaves_out_what_is_older(legacy_sandbox: Sandbox, tmp_path: Path) -> None:
    everything = run_tap("tap_kizen", kizen_settings(legacy_sandbox), tmp_path).records
    middle = sorted(record["created"] for record in everything)[len(everything) // 2]
    settings = kizen_settings(legacy_sandbox, start_date=middle)
    some = run_tap("tap_kizen", settings, tmp_path).records
    assert some == [record for record in everything if record["created"] >= middle]


def test_a_service_that_stumbles_costs_nothing(legacy_sandbox: Sandbox, tmp_path: Path) -> None:
    again = {"Retry-After": "0"}
    legacy_sandbox.faults.add(
        Fault(path="/api/company", query="page=1&", status=503, headers=again, times=2),
        Fault(path="/api/company", query="page=2&", status=429, headers=again),
        Fault(path="/api/company", query="page=3&", close=True),
        Fault(path="/api/company", query="page=4&", break_after=100),
    )
    outcome = run_tap("tap_kizen", kizen_settings(legacy_sandbox, page_size=10), tmp_path)
    assert outcome.code == 0, outcome.err
    assert len({record["id"] for record in outcome.records}) == 45
    assert legacy_sandbox.faults.hits == 5
