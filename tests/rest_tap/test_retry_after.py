"""How long to wait before the next try."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest
import requests
from singer_sdk.exceptions import RetriableAPIError

from rest_tap.streams import MAX_TIMEOUT_SECONDS, MAX_WAIT_SECONDS, retry_after_seconds
from tap_kizen.streams import TeamStream
from tap_kizen.tap import TapKizen
from tests.programs import kizen_settings

if TYPE_CHECKING:
    from sandbox.server import Sandbox


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        (None, None),
        ("soon", None),
        ("nan", None),
        ("", None),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999999", None),
    ],
)
def test_seconds(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header) == seconds


def test_a_date() -> None:
    later = datetime.now(timezone.utc) + timedelta(seconds=60)
    seconds = retry_after_seconds(format_datetime(later, usegmt=True))
    assert seconds is not None
    assert 55 < seconds <= 60


def test_a_date_gone_by_means_now() -> None:
    assert retry_after_seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_a_date_is_one_of_the_clock_of_the_service(ahead: int) -> None:
    there = datetime.now(timezone.utc) + timedelta(seconds=ahead)
    until = format_datetime(there + timedelta(seconds=60), usegmt=True)
    assert retry_after_seconds(until, format_datetime(there, usegmt=True)) == 60
    assert retry_after_seconds("3", "no date") == 3


def test_the_wait_is_as_long_as_the_service_asks_by_its_clock(shared_sandbox: Sandbox) -> None:
    tap = TapKizen(config=kizen_settings(shared_sandbox))
    response = requests.Response()
    response.headers["Date"] = "Sun, 01 Mar 2026 11:00:30 GMT"
    response.headers["Retry-After"] = "Sun, 01 Mar 2026 11:01:00 GMT"
    waits = TeamStream(tap).backoff_wait_generator()
    next(waits)
    assert waits.send(RetriableAPIError("", response)) == 30


def test_waits_and_time_outs_have_an_end(shared_sandbox: Sandbox) -> None:
    stream = TeamStream(TapKizen(config=kizen_settings(shared_sandbox, request_timeout=10**400)))
    assert stream.timeout == MAX_TIMEOUT_SECONDS
    waits = stream.backoff_wait_generator()
    next(waits)
    assert max(waits.send(requests.ConnectionError()) for _ in range(2_000)) == MAX_WAIT_SECONDS
