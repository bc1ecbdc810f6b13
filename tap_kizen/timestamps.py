"""Kizen's timestamps: ISO 8601 with an offset that need not be UTC."""

from __future__ import annotations

from datetime import date, datetime, timezone

import msgspec


def parse_timestamp(text: str) -> datetime | None:
    """Read a timestamp or a date; one without an offset counts as UTC.

    Args:
        text: For example `2026-03-31T16:23:53.231165-05:00` or `2026-03-31`.

    Returns:
        The moment, microseconds kept; None where the text is neither.
    """
    try:
        moment = msgspec.convert(text, type=datetime)
    except msgspec.ValidationError:
        try:
            day = msgspec.convert(text, type=date)
        except msgspec.ValidationError:
            return None
        moment = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


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
