"""Kizen's rate limit: so many requests in any second, then 503."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

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
