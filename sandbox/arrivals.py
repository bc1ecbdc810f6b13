"""Which requests arrived, when, and what they were answered: for tests and for the access log."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sandbox.options import Options

_HIDDEN = "***"


@dataclass
class Arrival:
    """One request; ``time`` is monotonic, in seconds; ``status`` is None until it is answered."""

    time: float
    method: str
    path: str
    query: str
    status: int | None = None


class Arrivals:
    """The requests in the order in which they arrived; safe to read from any thread."""

    def __init__(self) -> None:
        """Start with no request."""
        self._lock = Lock()
        self._arrivals: list[Arrival] = []

    def add(self, arrival: Arrival) -> None:
        """Note a request."""
        with self._lock:
            self._arrivals.append(arrival)

    def clear(self) -> None:
        """Forget all requests so far."""
        with self._lock:
            self._arrivals.clear()

    def __iter__(self) -> Iterator[Arrival]:
        """Yield the requests so far."""
        with self._lock:
            return iter(list(self._arrivals))

    def __len__(self) -> int:
        """Return how many requests there were."""
        with self._lock:
            return len(self._arrivals)

    def to(self, path: str) -> list[Arrival]:
        """Return the requests to exactly ``path``."""
        return [arrival for arrival in self if arrival.path == path]


class ArrivalsMiddleware:
    """Notes every request before anything else happens to it."""

    def __init__(self, app: ASGIApp, options: Options, arrivals: Arrivals) -> None:
        """Note requests in ``arrivals``, and on stderr where the options want an access log."""
        self._app = app
        self._arrivals = arrivals
        self._secrets = options.credentials.secrets
        self._log = options.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        arrival = Arrival(
            time=time.monotonic(),
            method=scope["method"],
            path=self._redacted(scope["path"]),
            query=self._redacted(scope["query_string"].decode("latin-1")),
        )
        self._arrivals.add(arrival)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                arrival.status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if self._log:
                self._write(arrival)

    def _redacted(self, text: str) -> str:
        """Hide a secret that a client wrongly put into its address, encoded or not."""
        if any(secret in unquote_plus(text) for secret in self._secrets):
            return _HIDDEN
        return text

    @staticmethod
    def _write(arrival: Arrival) -> None:
        address = f"{arrival.path}?{arrival.query}" if arrival.query else arrival.path
        milliseconds = (time.monotonic() - arrival.time) * 1000
        line = f"{arrival.method} {address} {arrival.status or 'closed'} {milliseconds:.1f} ms\n"
        sys.stderr.write(line)
