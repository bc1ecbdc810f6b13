"""Values as cells of a table that a spreadsheet opens."""

from __future__ import annotations

#: The wide signs are those of Japanese keyboards, which spreadsheets take for the others.
_FORMULA_STARTS = tuple("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")


def as_text(value: object) -> str:
    """Return a value for CSV; an apostrophe keeps a text that would be a formula a text.

    A text that begins with an apostrophe gets one more, so that reading it back takes one away.
    """
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA_STARTS) else text


def from_text(cell: str) -> str:
    """Return what `as_text` made a cell of."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell
