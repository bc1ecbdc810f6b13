"""What Prometheus is told, as text at `/metrics`."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from kananas_webhooks.runner import Run
    from kananas_webhooks.writer import Figures


_FRESH_SECONDS = 1.0


class Metrics:
    """Counters of one receiver, and gauges that look at its store when they are asked."""

    def __init__(self, figures: Callable[[], Figures]) -> None:
        """Begin at zero."""
        self._registry = CollectorRegistry()
        self._text, self._stale_at = b"", 0.0
        self._answers = Counter(
            "kananas_webhooks_requests",
            "Requests to the address of the webhooks, by the status they were answered.",
            ["status"],
            registry=self._registry,
        )
        self._storing = Histogram(
            "kananas_webhooks_storing_seconds",
            "From a whole body to the disk.",
            registry=self._registry,
        )
        self._runs = Counter(
            "kananas_webhooks_runs",
            "Runs that have ended, by whether they were good.",
            ["result"],
            registry=self._registry,
        )
        self._last_good_run = Gauge(
            "kananas_webhooks_last_good_run_timestamp_seconds",
            "When the last good run ended.",
            registry=self._registry,
        )
        for name, words, value in (
            ("events", "Events in the store.", lambda: figures().events),
            ("events_waiting", "Events that nobody has extracted.", lambda: figures().waiting),
            ("store_bytes", "Bytes that the events take.", lambda: figures().bytes),
            (
                "store_writable",
                "Whether the last attempt to write was good.",
                lambda: float(figures().problem is None),
            ),
        ):
            gauge = Gauge(f"kananas_webhooks_{name}", words, registry=self._registry)
            gauge.set_function(value)

    def answered(self, status: int) -> None:
        """Count an answer."""
        self._answers.labels(str(status)).inc()

    def stored(self, seconds: float) -> None:
        """Count how long it took to store an event."""
        self._storing.observe(seconds)

    def ran(self, run: Run) -> None:
        """Count a run that has ended."""
        good = run.exit_code == 0
        self._runs.labels("good" if good else "failed").inc()
        if good:
            self._last_good_run.set_to_current_time()

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format 0.0.4, at most a second old."""
        # Anybody may ask, and each time it takes milliseconds.
        if monotonic() >= self._stale_at:
            self._text = generate_latest(self._registry)
            self._stale_at = monotonic() + _FRESH_SECONDS
        return self._text
