"""How long to wait before the next try."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from rest_tap.streams import retry_after_seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        (None, None),
        ("soon", None),
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
