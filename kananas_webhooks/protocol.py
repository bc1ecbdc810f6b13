"""HTTP/1.1 with a deadline for the head of a request, and a server that ends with 0 on a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable
    from types import FrameType


#: How many connections may be open at a time.
MAX_CONNECTIONS = 200

_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Retry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class DeadlineProtocol(H11Protocol):
    """Closes connections on which no request begins in time, and those that are too many.

    uvicorn's own limit ends with the first byte that comes, and so not for a client that sends
    its head byte by byte.
    """

    #: Seconds a client has to send the head of a request, from connecting or the last answer on.
    head_seconds = 10.0

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request, or send away who is one too many."""
        super().connection_made(transport)
        self._expect()
        if len(self.connections) > MAX_CONNECTIONS:
            transport.write(_TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        self._settle()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take in what has come; the head of a request ends the wait for it."""
        super().handle_events()
        if self.conn.their_state is not h11.IDLE:
            self._settle()

    def on_response_complete(self) -> None:
        """Expect the next request."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE:
            self._expect()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - overrides
        """Refuse what is no HTTP, as anything else, without a word."""
        super().send_400_response("")

    def _expect(self) -> None:
        self._settle()
        self._deadline = self.loop.call_later(self.head_seconds, self.transport.close)

    def _settle(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def protocol(head_seconds: float) -> type[DeadlineProtocol]:
    """Give the protocol with another deadline."""
    return type("Protocol", (DeadlineProtocol,), {"head_seconds": head_seconds})


class Server(uvicorn.Server):
    """Tells when it listens, and takes a signal as a wish to end, not as a failure."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        """Serve as configured; `listening` is called once it does."""
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            self._listening()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - overrides
        """End; at once where it was asked twice."""
        self.force_exit = self.should_exit
        self.should_exit = True
