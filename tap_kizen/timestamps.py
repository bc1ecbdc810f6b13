"""Kizen's timestamps: ISO 8601 with an offset that need not be UTC."""

from __future__ import annotations

from datetime import date, datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import requests


def parse_timestamp(text: str) -> datetime | None:
    """Read a timestamp or a date; one without an offset counts as UTC.

    Args:
        text: For example `2026-03-31T16:23:53.231165-05:00` or `2026-03-31`.

    Returns:
        The moment in UTC, microseconds kept; None where the text is neither, or the moment lies
        outside of the years that can be counted.
    """
    try:
        moment = msgspec.convert(text, type=datetime)
    except UnicodeEncodeError:
        # Half a surrogate pair.
        return None
    except msgspec.ValidationError:
        try:
            day = msgspec.convert(text, type=date)
        except msgspec.ValidationError:
            return None
        moment = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    try:
        return in_utc(moment)
    except OverflowError:
        return None


def in_utc(moment: datetime) -> datetime:
    """Put a moment into UTC; one without an offset counts as UTC.

    Raises:
        OverflowError: If this leads out of the years 1 to 9999.
    """
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)


def to_utc(moment: datetime) -> str:
    """Write a moment in UTC with `Z` and six decimals, so that texts sort as moments do."""
    utc = moment.astimezone(timezone.utc)
    # A third of the time of isoformat, but without decimals where all are zero.
    text = msgspec.json.encode(utc)[1:-1].decode()
    return text if utc.microsecond else f"{text[:-1]}.000000Z"


def to_milliseconds(moment: datetime) -> str:
    """Write a moment as Kizen's own filters do: UTC, three decimals, never later than it is."""
    utc = moment.astimezone(timezone.utc)
    # isoformat cuts, it does not round.
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def server_time(response: requests.Response) -> datetime | None:
    """Read the moment at which a server answered, to the second (RFC 9110, section 6.6.1)."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(timezone.utc)
    except (KeyError, ValueError, OverflowError):
        return None
