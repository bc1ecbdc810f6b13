"""A line in the log now and then, so that long work is seen to go on."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from types import TracebackType

    from typing_extensions import Self

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Counts the records of a stream and logs count and rate every few seconds.

    `quiet` work that is over before the first line is not worth one at its end either.
    """

    def __init__(
        self, logger: logging.Logger, stream: str, unit: str = "records", *, quiet: bool = False
    ) -> None:
        """Begin to count for the named stream."""
        self._logger = logger
        self._stream = stream
        self._unit = unit
        self._quiet = quiet
        self.records = 0
        self._started = self._told = monotonic()

    def count(self, number: int = 1) -> None:
        """Count one record, or so many."""
        self.records += number
        now = monotonic()
        if now - self._told >= SECONDS_BETWEEN_LINES:
            self._told = now
            self._quiet = False
            self._say("so far", now)

    def __enter__(self) -> Self:
        """Start with nothing counted."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Say how many records were read in all, if the reading came to its end."""
        if kind is None and not self._quiet:
            self._say("read", monotonic())

    def _say(self, word: str, now: float) -> None:
        rate = self.records / max(now - self._started, 1e-3)
        self._logger.info(
            "%s: %s %s %s (%s/s)",
            self._stream,
            f"{self.records:,}",
            self._unit,
            word,
            f"{rate:,.0f}",
        )
