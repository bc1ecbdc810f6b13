"""What an envelope says of records that were not asked for.

How Kananas pages its lists is not public, and pages are asked for only where a setting says how.
So an envelope is looked at for what services that page their lists usually say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_kananas.response.json_stream import JsonStream

#: How many values beside the records are looked at.
MAX_VALUES = 100

# All are written as `_folded` gives them.
_ABOUT_PAGES = {"link", "links", "meta", "metadata", "page", "pageinfo", "pager", "pagination",
                "paging"}  # fmt: skip
_NEXT = {"hasmore", "hasnext", "hasnextpage", "next", "nextcursor", "nextlink", "nextoffset",
         "nextpage", "nextpagetoken", "nextpageurl", "nexturl"}  # fmt: skip
_PAGES = {"lastpage", "nbpages", "pagecount", "pages", "totalpages"}
_RECORDS = {"count", "nbrecords", "nbtotal", "recordcount", "recordstotal", "total", "totalcount",
            "totalitems", "totalrecords", "totalresults"}  # fmt: skip
_NUMBER = re.compile("[0-9]{1,15}")
_NOTHING = {"", "0", "false", "none", "null"}


def note_beside(text: JsonStream, names: tuple[str, ...], beside: dict[str, Any]) -> None:
    """Read a value that stands beside the records; keep it where it may be about pages.

    Args:
        text: The response, before the value.
        names: The names that lead to the value.
        beside: Takes single values by their names, joined by dots; True for an object.

    Raises:
        JsonStreamError: If the text is no JSON.
    """
    opening, name = text.peek(), _folded(names[-1])
    if opening == "{" and name in _ABOUT_PAGES:
        for inner in text.members():
            note_beside(text, (*names, inner), beside)
        return
    value = True
    if opening in {"{", "["}:
        text.skip()
    else:
        value = text.value()
    if opening != "[" and len(beside) < MAX_VALUES:
        beside[".".join(names)] = value


def says_more(beside: Mapping[str, Any], records: int, *, all_wanted: bool) -> str | None:
    """Return which words of an envelope speak of more records; None if none does.

    Args:
        beside: What stands beside the records.
        records: How many records came.
        all_wanted: Whether all records were asked for, not only those that changed.
    """
    for path, value in beside.items():
        name, number = _folded(path.rpartition(".")[2]), _whole_number(value)
        if name in _NEXT and str(value).casefold() not in _NOTHING:
            return f"'{path}'"
        is_more = (name in _PAGES and number > 1) or (
            name in _RECORDS and all_wanted and number > records
        )
        if is_more:
            return f"'{path}': {number:,}"
    return None


def _folded(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def _whole_number(value: object) -> int:
    """Return a number that may be written as text; 0 for anything else."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else 0
