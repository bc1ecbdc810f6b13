"""Habits of PHP back ends that an honest stand-in must have."""

from __future__ import annotations


def as_strings(record: dict[str, object]) -> dict[str, object]:
    """Return ``record`` with numbers as strings and booleans as "1" and "", at every depth."""
    return {key: _as_string(value) for key, value in record.items()}


def _as_string(value: object) -> object:
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return [_as_string(item) for item in value]
    if isinstance(value, dict):
        return as_strings(value)
    return value
