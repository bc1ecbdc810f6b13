"""What happens to every request on its way to the services: waits, the rate limit, request ids."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECOND = 1.0


class RateLimit:
    """Lets ``limit`` requests per API key pass in any sliding second; 0 lets all pass.

    A refused request does not count, as far as this project assumes.
    """

    def __init__(self, app: ASGIApp, limit: int, prefix: str) -> None:
        """Limit the requests whose path begins with ``prefix``."""
        self._app = app
        self._limit = limit
        self._prefix = prefix
        self._passed: defaultdict[str, deque[float]] = defaultdict(deque)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503."""
        limited = self._limit and scope["type"] == "http" and scope["path"].startswith(self._prefix)
        if limited and not self._passes(Request(scope).headers.get("x-api-key", "")):
            answer = JSONResponse({"detail": "Request limit exceeded."}, status_code=503)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _passes(self, key: str) -> bool:
        now = time.monotonic()
        passed = self._passed[key]
        while passed and now - passed[0] >= _SECOND:
            passed.popleft()
        if len(passed) >= self._limit:
            return False
        passed.append(now)
        return True


class Closing:
    """Tells what waits inside a request that the server is about to stop."""

    def __init__(self) -> None:
        """Belong to the event loop that first waits."""
        self._event: asyncio.Event | None = None
        self._closed = False

    def close(self) -> None:
        """End every wait; call it in the event loop."""
        self._closed = True
        if self._event is not None:
            self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait ``seconds``, or until the server stops."""
        if self._closed or seconds <= 0:
            return
        if self._event is None:
            self._event = asyncio.Event()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)


class Latency:
    """Holds every request back for a while, as a network does."""

    def __init__(self, app: ASGIApp, seconds: float, closing: Closing) -> None:
        """Hold requests back for ``seconds``."""
        self._app = app
        self._seconds = seconds
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await self._closing.wait(self._seconds)
        await self._app(scope, receive, send)


class RequestId:
    """Adds ``X-Request-ID`` to answers, also to those that are faults."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        """Add it to answers to requests whose path begins with ``prefix``."""
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return

        async def identifying(message: Message) -> None:
            if message["type"] == "http.response.start":
                pair = (b"x-request-id", str(uuid4()).encode())
                message = {**message, "headers": [*message.get("headers", []), pair]}
            await send(message)

        await self._app(scope, receive, identifying)
