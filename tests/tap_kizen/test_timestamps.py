"""Offsets become UTC; microseconds stay."""

from __future__ import annotations

import pytest
import requests

from tap_kizen.bookmarks import server_time
from tap_kizen.timestamps import parse_timestamp, to_utc


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


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "12:00"])
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
