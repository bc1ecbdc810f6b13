"""Values as cells of a table that a spreadsheet opens."""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")


def as_text(value: object) -> str:
    """Return a value for CSV; an apostrophe keeps a text that would be a formula a text.

    A text that begins with an apostrophe gets one more, so that reading it back takes one away.
    """
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA_STARTS) else text
