"""What the report before said: the rows of each table at each of its last loads.

It stands in the report itself, as JSON that nobody sees: numbers and names of tables, nothing of a
record. So a report tells what changed since the load before, and no other file is kept.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from pathlib import Path

#: Per table its last loads, the newest last: when, in microseconds since 1970, and how many rows.
Loads = dict[str, list[tuple[int, int]]]

KEPT = 2
_ELEMENT = re.compile(r'<script type="application/json" id="loads">(.*?)</script>', re.DOTALL)


def read(report: Path) -> Loads:
    """Return what a report says of the loads; nothing where there is none."""
    try:
        found = _ELEMENT.search(report.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}
    if found is None:
        return {}
    try:
        return {
            str(table): [(int(at), int(rows)) for at, rows in loads]
            for table, loads in json.loads(found[1]).items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}


def add(loads: Loads, table: str, loaded_at: int, rows: int) -> int | None:
    """Note a load; return how many rows the table had at the load before.

    The same load may be reported twice: it is not compared with itself.
    """
    before = [load for load in loads.get(table, []) if load[0] < loaded_at]
    loads[table] = [*before, (loaded_at, rows)][-KEPT:]
    return before[-1][1] if before else None


def element(loads: Loads) -> Markup:
    """Return the loads as an element of the page."""
    # Names of tables are the account's own: nothing in them may end the element.
    text = json.dumps(loads, separators=(",", ":")).replace("<", "\\u003c")
    return Markup(f'<script type="application/json" id="loads">{text}</script>')  # noqa: S704
