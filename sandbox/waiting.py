"""Waits that end at once when the server stops."""

from __future__ import annotations

import asyncio
from contextlib import suppress


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
