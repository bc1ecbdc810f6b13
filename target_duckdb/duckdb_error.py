"""What DuckDB says of an error, for people."""

from __future__ import annotations

_REASON = "Original error: "


def one_line(error: Exception) -> str:
    """Return the first line of DuckDB's error, which says what, and why where another line does.

    The others repeat the SQL.
    """
    first, *others = str(error).strip().splitlines() or [type(error).__name__]
    reasons = [line.partition(_REASON)[2] for line in others if _REASON in line]
    return " ".join([first.strip(), *reasons[:1]])
