"""What can go wrong in a load, each as one line that names the place and the way out.

Nothing here needs the Singer SDK, which takes half a second to import: to publish does without it.
"""

from __future__ import annotations

_REASON = "Original error: "


class TargetError(Exception):
    """A load that cannot go on. Its text is one line, free of record values and secrets."""


class SettingError(TargetError):
    """A setting that is wrong, whatever is loaded."""


class DatabaseLockedError(TargetError):
    """Another process held the database file for longer than `lock_timeout`."""


class CheckpointError(TargetError):
    """Rows that are committed, and cannot be moved from DuckDB's log into its file."""


class EvolutionError(TargetError):
    """A column of the table and its new schema have no common type."""


class BatchError(TargetError):
    """A BATCH message or one of its files that cannot be read."""


class InvalidValueError(ValueError):
    """Why one record cannot be loaded, without the place it stands at.

    Attributes:
        name: The property whose value it is; empty where that is not known.
    """

    def __init__(self, message: str, name: str = "") -> None:
        """Keep the name beside the message."""
        super().__init__(message)
        self.name = name


class WideIntegerError(InvalidValueError):
    """An integer of more than 64 bits, where its schema promised none."""


class InvalidKeyError(InvalidValueError):
    """A record without a value for one of its keys."""


def one_line(error: Exception) -> str:
    """Return the first line of DuckDB's error, which says what, and why where another line does.

    The others repeat the SQL.
    """
    first, *others = str(error).strip().splitlines() or [type(error).__name__]
    reasons = [line.partition(_REASON)[2] for line in others if _REASON in line]
    return " ".join([first.strip(), *reasons[:1]])
