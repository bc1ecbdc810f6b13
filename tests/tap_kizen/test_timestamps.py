"""Offsets become UTC; microseconds stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox.server import running
from tap_kizen.timestamps import parse_timestamp, server_time, to_utc
from tests import servers
from tests.programs import kizen_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

CONTACTS = "client_client"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-31T16:23:53.231165-05:00", "2026-03-31T21:23:53.231165Z"),
        ("2026-03-31T16:23:53Z", "2026-03-31T16:23:53.000000Z"),
        ("2026-03-31T16:23:53", "2026-03-31T16:23:53.000000Z"),
        ("2026-03-31T16:23:53.5+05:30", "2026-03-31T10:53:53.500000Z"),
        ("2026-03-31", "2026-03-31T00:00:00.000000Z"),
    ],
)
def test_utc(text: str, utc: str) -> None:
    moment = parse_timestamp(text)
    assert moment is not None
    assert to_utc(moment) == utc


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "12:00", "\ud800"])
def test_what_is_no_timestamp(text: str) -> None:
    assert parse_timestamp(text) is None


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 9999 23:59:59 -0500",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999",
        "soon",
        None,
    ],
)
def test_a_service_without_a_clock(date: str | None) -> None:
    response = requests.Response()
    if date is not None:
        response.headers["Date"] = date
    assert server_time(response) is None


@pytest.mark.parametrize("fractions", [[0], [0, 250_000]], ids=["none", "some"])
def test_a_list_whose_times_are_whole_seconds_is_read_page_by_page(
    legacy_sandbox: Sandbox, tmp_path: Path, fractions: list[int]
) -> None:
    companies = legacy_sandbox.account.companies
    began = datetime(2026, 3, 31, tzinfo=timezone.utc)
    created = {}
    for number, company in enumerate(companies):
        fraction = fractions[number % len(fractions)]
        moment = began + timedelta(seconds=number, microseconds=fraction)
        company["created"] = moment.isoformat()
        created[company["id"]] = to_utc(moment)
    outcome = run_tap("tap_kizen", kizen_settings(legacy_sandbox, page_size=10), tmp_path)
    assert outcome.code == 0, outcome.err
    assert {row["id"]: row["created"] for row in outcome.records} == created


@pytest.mark.parametrize("fractions", [[0], [0, 250_000]], ids=["none", "some"])
def test_changes_at_whole_seconds_are_read_page_by_page(
    tmp_path: Path, fractions: list[int]
) -> None:
    with running(replace(servers.SMALL, kizen_refuses=())) as server:
        settings = kizen_settings(server, objects=[CONTACTS], page_size=5)
        first = run_tap("tap_kizen", settings, tmp_path)
        began = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=1)
        crm = server.account.crm
        changed = {}
        for number, record in enumerate(crm.records[CONTACTS]):
            fraction = fractions[number % len(fractions)]
            moment = to_utc(began + timedelta(seconds=number, microseconds=fraction))
            crm.update(CONTACTS, str(record["id"]), updated=moment)
            changed[record["id"]] = moment
        second = run_tap("tap_kizen", settings, tmp_path, state=first.state)
        assert second.code == 0, second.err
        assert {row["id"]: row["updated"] for row in second.records_of(CONTACTS)} == changed
