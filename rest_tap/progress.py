"""How far a stream is: a line in the log now and then, or a line that stays on a terminal."""

from __future__ import annotations

import logging
import sys
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from rest_tap.logs import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TextIO

    from typing_extensions import Self

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_BARS = 0.2

_BAR_CELLS = 24
_BACK_TO_THE_START = "\r\x1b[K"


class Part(NamedTuple):
    """How many pages have been read, and of how many."""

    done: int
    of: int


def _unknown() -> None:
    return None


class Progress:
    """Counts the records of a stream and tells count, rate, pages and time left.

    Every few seconds in the log; on a terminal a bar as well. `quiet` work that is over before
    the first line is not worth one at its end either.
    """

    def __init__(  # noqa: PLR0913
        self,
        logger: logging.Logger,
        stream: str,
        unit: str = "records",
        *,
        quiet: bool = False,
        pages: Callable[[], Part | None] = _unknown,
        terminal: TextIO | None = None,
    ) -> None:
        """Begin to count for the named stream.

        Args:
            logger: Takes the lines.
            stream: What is counted for.
            unit: What is counted.
            quiet: Whether short work goes without a line.
            pages: Gives how many pages have been read of how many, if that is known.
            terminal: Where a bar is shown; by default standard error, if that is a terminal.
        """
        self._logger = logger
        self._stream = printable(stream)
        self._unit = unit
        self._quiet = quiet
        self._pages = pages
        self.records = 0
        self._started = self._told = self._shown = monotonic()
        #: What had been read when the pages became known, and when that was.
        self._first: tuple[Part, float] | None = None
        self._bar = Bar(terminal or sys.stderr)

    def count(self, number: int = 1) -> None:
        """Count one record, or so many."""
        self.records += number
        now = monotonic()
        if now - self._shown < SECONDS_BETWEEN_BARS:
            return
        self._shown = now
        part = self._pages()
        if part is not None and (self._first is None or self._first[0].of != part.of):
            self._first = (part, now)
        self._bar.show(self._words("", part, now), part)
        if now - self._told >= SECONDS_BETWEEN_LINES:
            self._told = now
            self._quiet = False
            self._logger.info("%s", self._words(" so far", part, now))

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
        self._bar.end()
        if kind is None and not self._quiet:
            self._logger.info("%s", self._words(" read", None, monotonic()))

    def _words(self, state: str, part: Part | None, now: float) -> str:
        rate = self.records / max(now - self._started, 1e-3)
        words = f"{self._stream}: {self.records:,} {self._unit}{state} ({rate:,.0f}/s)"
        if part is not None:
            words += f", page {part.done:,} of {part.of:,}{self._time_left(part, now)}"
        return words

    def _time_left(self, part: Part, now: float) -> str:
        if self._first is None or part.done <= self._first[0].done:
            return ""
        first, since = self._first
        seconds = round((part.of - part.done) * (now - since) / (part.done - first.done))
        hours, rest = divmod(seconds, 3600)
        left = f"{hours} h {rest // 60} min" if hours else f"{rest // 60}:{rest % 60:02}"
        return f", {left} left"


class Bar(logging.Filter):
    """One line on a terminal that is written over and over; nothing where there is none.

    As a filter of the log's handlers it makes room for each line of the log.
    """

    def __init__(self, out: TextIO) -> None:
        """Show nothing yet."""
        super().__init__()
        self._out = out
        self._is_shown = self._watches_log = False

    def show(self, words: str, part: Part | None) -> None:
        """Show words, and what part of the work is done, if that is known."""
        if not self._out.isatty():
            return
        if not self._watches_log:
            for handler in logging.getLogger().handlers:
                handler.addFilter(self)
        self._is_shown = self._watches_log = True
        drawn = ""
        if part is not None:
            cells = _BAR_CELLS * part.done // max(part.of, 1)
            drawn = f"{'█' * cells}{'░' * (_BAR_CELLS - cells)} "
        self._out.write(f"{_BACK_TO_THE_START}{drawn}{words}")
        self._out.flush()

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        """Take the bar away before a line of the log is written."""
        self._clear()
        return True

    def end(self) -> None:
        """Take the bar away for good."""
        self._clear()
        for handler in logging.getLogger().handlers:
            handler.removeFilter(self)
        self._watches_log = False

    def _clear(self) -> None:
        if self._is_shown:
            self._out.write(_BACK_TO_THE_START)
            self._out.flush()
            self._is_shown = False
