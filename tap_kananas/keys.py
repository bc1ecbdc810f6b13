"""Whether the primary key fits the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_NAMES = 30


def _identity(record: dict[str, Any], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(repr(record.get(column)) for column in columns)


def _has(record: dict[str, Any], columns: Sequence[str]) -> bool:
    return all(record.get(column) not in (None, "") for column in columns)


def candidate_keys(records: Sequence[dict[str, Any]]) -> list[str]:
    """Give the columns whose values are all there, plain and different."""
    names = dict.fromkeys(name for record in records for name in record)
    return [
        name
        for name in names
        if all(
            _has(record, [name]) and not isinstance(record[name], dict | list | float)
            for record in records
        )
        and len({_identity(record, [name]) for record in records}) == len(records)
    ]


def explain_unfit_key(records: Sequence[dict[str, Any]], primary_keys: Sequence[str]) -> str | None:
    """Say why the given columns cannot be the key of these records.

    Args:
        records: All records of the account.
        primary_keys: The columns the setting names.

    Returns:
        One line that also names the columns that could be the key and those there are;
        None where the key is good.
    """
    named = " + ".join(f"'{name}'" for name in primary_keys)
    if not all(_has(record, primary_keys) for record in records):
        missing = sum(1 for record in records if not _has(record, primary_keys))
        problem = f"the key {named} is missing or empty in {missing} of {len(records)} records"
    else:
        different = len({_identity(record, primary_keys) for record in records})
        if different == len(records):
            return None
        problem = f"the key {named} has only {different} values in {len(records)} records"
    names = list(dict.fromkeys(name for record in records for name in record))
    candidates = candidate_keys(records)
    could = f"could be the key: {', '.join(candidates)}" if candidates else "no column could be it"
    return f"{problem}; {could}; columns seen: {', '.join(names[:MAX_NAMES])}"
