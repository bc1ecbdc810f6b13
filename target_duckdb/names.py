"""From names in messages to names in DuckDB, and how both are written in SQL.

DuckDB keeps the case of a name and ignores it when it compares two (for the letters A to Z only).
A property or stream therefore keeps its name exactly, unless another one differs from it by case
alone: the first one keeps its name, every other one gets a suffix made from its own spelling, so
that the same name always leads to the same column whatever stands beside it.
"""

from __future__ import annotations

import hashlib
import re
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SUFFIX_DIGITS = 8
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


NO_HIVE = "hive_partitioning = false"
"""For DuckDB's readers of files: a folder called `id=5` is no column `id` of all 5."""


def quote(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def folded(name: str) -> str:
    """Return the form in which DuckDB compares names."""
    return name.translate(_LOWER)


def storable(name: str) -> str:
    """Return the name as DuckDB can hold it: never empty, without NULs and lone surrogates."""
    return _UNSTORABLE.sub("_", name) or "_"


def suffixed(name: str) -> str:
    """Return the name with the first digits of the SHA-256 of its exact spelling."""
    return f"{storable(name)}_{_digest(name)}"


def _digest(name: str) -> str:
    spelling = name.encode("utf-8", "surrogatepass")
    return hashlib.sha256(spelling).hexdigest()[:_SUFFIX_DIGITS]


def assign(
    wanted: Iterable[str], existing: Iterable[str] = (), *, takes_over: bool = True
) -> dict[str, str]:
    """Give each name its own column (or table) name.

    Args:
        wanted: Names as the tap spells them, in order.
        existing: Names the table (or database) already has.
        takes_over: Whether a name that exists in another spelling only takes that spelling over,
            unless another wanted name does. A property may change its case. A stream of another
            case is another stream: its rows would replace those of the first.

    Returns:
        For each wanted name the name in DuckDB. A wanted name that exists already in exactly its
        spelling, or in its suffixed form, keeps it.
    """
    names = list(dict.fromkeys(wanted))
    known = {folded(name): name for name in existing}
    taken: set[str] = set()
    result: dict[str, str] = {}
    for name in names:
        for candidate in (storable(name), suffixed(name)):
            if known.get(folded(candidate)) == candidate and folded(candidate) not in taken:
                result[name] = candidate
                taken.add(folded(candidate))
                break
    if not takes_over:
        taken |= known.keys()
    for name in names:
        if name in result:
            continue
        plain = storable(name)
        chosen = known.get(folded(plain), plain)
        other = name
        while folded(chosen) in taken:
            chosen = other = suffixed(other)
        result[name] = chosen
        taken.add(folded(chosen))
    return {name: result[name] for name in names}
