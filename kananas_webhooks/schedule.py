"""When the next run is due. Knows times only, and waits for nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT_QUIET_SECONDS = 1.0
DEFAULT_EVERY_SECONDS = 60.0
MAX_BACKOFF_SECONDS = 900.0

_MOST_DOUBLINGS = 40


@dataclass
class Schedule:
    """Decides from what has happened when a run is due.

    A run is due once events have paused for `quiet` seconds, or the first of them has waited for
    `every` seconds; never sooner than `every` seconds after the last start. After a failure it is
    due again, later each time.

    Attributes:
        quiet: How long events must have paused, in seconds.
        every: Seconds between the starts of two runs, at least.
        failures: Runs that have failed since the last that did not.
    """

    quiet: float = DEFAULT_QUIET_SECONDS
    every: float = DEFAULT_EVERY_SECONDS
    failures: int = 0
    _first: float | None = field(default=None, init=False)
    _last: float = field(default=0.0, init=False)
    _not_before: float = field(default=float("-inf"), init=False)

    def notice(self, now: float) -> None:
        """Take note that something has changed."""
        self._first = now if self._first is None else self._first
        self._last = now

    def start(self, now: float) -> None:
        """Take note that a run starts: it covers all that was noticed before."""
        self._first = None
        self._not_before = now + self.every

    def end(self, now: float, *, good: bool) -> None:
        """Take note that the run has ended; what a failed one covered waits again."""
        if good:
            self.failures = 0
            return
        self.failures += 1
        # A power of more failures than a number of this kind holds is none.
        doublings = min(self.failures - 1, _MOST_DOUBLINGS)
        backoff = min(self.every * 2**doublings, MAX_BACKOFF_SECONDS)
        self._not_before = max(self._not_before, now + backoff)
        self._first = float("-inf")

    def due(self) -> float | None:
        """Return when the next run is due, on the clock of the other times; None for not at all."""
        if self._first is None:
            return None
        return max(self._not_before, min(self._last + self.quiet, self._first + self.every))
