"""HTTP/1.1 with limits for clients that do not know the secret, and a server that ends with 0.

The application says in the state of a request (`AUTHENTICATED`) that its sender knows the secret.
Everybody else gets one response per connection, and makes room for those who come after:

* what they send is looked at for one of them at a time, between the requests of others;
* a head has a deadline, from connecting or the last response on;
* what follows a response that ends a connection is read for a moment, and not looked at: closing
  at once would cut off the response;
* beyond `MAX_CONNECTIONS`, a head has to come at once, and the connection that has waited longest
  gives way to a new one.
"""

from __future__ import annotations

from collections import Counter, deque
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable
    from types import FrameType

#: The entry of a request's state which says that its sender knows the secret.
AUTHENTICATED = "authenticated"

#: How many connections may be open at a time before they are kept short.
MAX_CONNECTIONS = 200

#: How many more may be open while they are.
SPARE_CONNECTIONS = 100

#: Seconds a client has to send the head of a request where there are too many connections.
CROWDED_HEAD_SECONDS = 1.0

#: How long, and how many bytes of it, the rest of a request is read after the last response.
LINGER_SECONDS, LINGER_BYTES = 1.0, 1_000_000
CROWDED_LINGER_BYTES = 64_000

# Longer than the store may take to answer.
_STORE_SECONDS = 30.0

# The rank of a connection on which an authenticated request goes on.
_MUST_STAY = 3

_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Retry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class LingeringTransport:
    """A transport that closes as RFC 9112, section 9.6, asks for.

    It stops writing, reads for a moment what the client is still sending, and only then closes.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        is_crowded: Callable[[], bool],
    ) -> None:
        """Close the given transport so; read less where there are many connections."""
        self._transport = transport
        self._loop = loop
        self._is_crowded = is_crowded
        self._end: asyncio.TimerHandle | None = None
        self._bytes_left = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        """Return anything else of the transport."""
        return getattr(self._transport, name)

    @property
    def is_lingering(self) -> bool:
        """Whether it is being closed."""
        return self._end is not None

    def is_closing(self) -> bool:
        """Return whether nothing is written any more."""
        return self.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Close once the client has, or after a moment."""
        if self.is_closing():
            return
        self._end = self._loop.call_later(LINGER_SECONDS, self.abort)
        self._bytes_left = CROWDED_LINGER_BYTES if self._is_crowded() else LINGER_BYTES
        try:
            self._transport.write_eof()
        except OSError:
            # The client has cut the connection.
            self.abort()
        self._transport.resume_reading()

    def close_now(self) -> None:
        """Close as soon as all is sent, or at once where the client does not read."""
        self.stop()
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    def write(self, data: bytes) -> None:
        """Write, unless it is being closed."""
        if not self.is_lingering:
            self._transport.write(data)

    def discard(self, data: bytes) -> None:
        """Take what comes while it is being closed."""
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            self._transport.pause_reading()

    def abort(self) -> None:
        """Close at once, whatever has not been sent."""
        self.stop()
        self._transport.abort()

    def stop(self) -> None:
        """Forget the deadline: the connection is gone."""
        if self._end is not None:
            self._end.cancel()


class LimitedProtocol(H11Protocol):
    """Keeps the connections of unauthenticated clients few and short.

    uvicorn's own limit ends with the first byte that comes, and so not for a client that sends
    its head byte by byte.
    """

    #: Seconds a client has to send the head of a request, from connecting or the last answer on.
    head_seconds = 10.0

    #: Returns whether what a client sends begins with the secret address.
    knows_secret: Callable[[bytes], bool]

    #: Connections of others that have sent something, in the order in which they have.
    line: deque[LimitedProtocol]

    #: Whether the server ends: uvicorn tells those who are connected, and nobody who comes then.
    is_ending = False

    transport: LingeringTransport  # type: ignore[assignment]

    _deadline: asyncio.TimerHandle | None = None
    _has_requested = False
    _is_request_going_on = False
    _knew_secret = False
    _held = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request; make room where there are too many connections."""
        lingering = LingeringTransport(transport, self.loop, self.is_crowded)
        super().connection_made(lingering)  # type: ignore[arg-type]
        self.waits_since = self.loop.time()
        if self.is_ending:
            self.transport.close_now()
            return
        if not self.is_crowded():
            self._expect_head()
            return
        self._within(min(CROWDED_HEAD_SECONDS, self.head_seconds), self.turn_away)
        if len(self.connections) > MAX_CONNECTIONS + SPARE_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        self._settle()
        self.transport.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what has come, unless no response is to follow."""
        if self.transport.is_lingering:
            self.transport.discard(data)
        elif self._held:
            self._held += data
        elif self._knew_secret or self._is_authenticated or self.knows_secret(data):
            super().data_received(data)
        else:
            self._held = data
            self.transport.pause_reading()
            self.line.append(self)
            if len(self.line) == 1:
                self.loop.call_soon(self._next_in_line)

    def _next_in_line(self) -> None:
        """Look at what one client has sent; the next one's turn comes after all other work."""
        first = self.line.popleft()
        first.take_held()
        if self.line:
            self.loop.call_soon(self._next_in_line)

    def take_held(self) -> None:
        """Take in what had to wait."""
        data, self._held = self._held, b""
        if not self.transport.is_closing():
            super().data_received(data)
        if not self.flow.read_paused:
            self.transport.resume_reading()

    def handle_events(self) -> None:
        """Take in what has come; the head of a request ends the wait for it."""
        super().handle_events()
        if self.conn.their_state is not h11.IDLE and not self._is_request_going_on:
            self._has_requested = self._is_request_going_on = True
            # The application has a deadline for the body. This one is for who does not read.
            self._within(self.head_seconds + _STORE_SECONDS, self.transport.abort)

    def on_response_complete(self) -> None:
        """Expect the next request."""
        self._knew_secret = self._is_authenticated
        self._is_request_going_on = False
        self._settle()
        super().on_response_complete()
        if not self._is_request_going_on and not self.transport.is_closing():
            self._expect_head()

    def shutdown(self) -> None:
        """End, after the response that is going on."""
        super().shutdown()
        if self.transport.is_lingering:
            self.transport.close_now()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - overrides
        """Refuse what is no HTTP, as anything else, without a word."""
        super().send_400_response("")

    def is_crowded(self) -> bool:
        """Return whether there are more connections than are left alone."""
        return len(self.connections) > MAX_CONNECTIONS

    @property
    def _is_authenticated(self) -> bool:
        """Whether the last request is from a client that knows the secret."""
        return self.scope is not None and bool(self.scope["state"].get(AUTHENTICATED))

    @property
    def rank(self) -> int:
        """How much it matters that the connection stays."""
        if self.transport.is_closing():
            return 0
        if self._is_request_going_on and self._is_authenticated:
            return _MUST_STAY
        return 2 if self._knew_secret else 1

    def _make_room(self) -> None:
        """Close the connection that has waited longest, of the address that has most of them."""
        others = cast("set[LimitedProtocol]", self.connections - {self})
        rank = min(other.rank for other in others)
        if rank == _MUST_STAY:
            self.turn_away()
            return
        waiting = [other for other in others if other.rank == rank]
        ((most, _),) = Counter(other.address for other in waiting).most_common(1)
        crowd = [other for other in waiting if other.address == most]
        min(crowd, key=attrgetter("waits_since")).turn_away()

    @property
    def address(self) -> str:
        """The address of the client."""
        return self.client[0] if self.client else ""

    def turn_away(self) -> None:
        """Close the connection, with 503 where it has had no response."""
        if not self._has_requested:
            self.transport.write(_TOO_MANY)
        self.connections.discard(self)
        self.transport.close_now()

    def _expect_head(self) -> None:
        self.waits_since = self.loop.time()
        self._within(self.head_seconds, self.transport.close)

    def _within(self, seconds: float, otherwise: Callable[[], None]) -> None:
        self._settle()
        self._deadline = self.loop.call_later(seconds, otherwise)

    def _settle(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def protocol(head_seconds: float, knows_secret: Callable[[bytes], bool]) -> type[LimitedProtocol]:
    """Return the protocol of one server."""
    attributes = {
        "head_seconds": head_seconds,
        "knows_secret": staticmethod(knows_secret),
        "line": deque(),
    }
    return type("Protocol", (LimitedProtocol,), attributes)


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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; whoever was accepted just before, and is made known only now, has no response."""
        cast("type[LimitedProtocol]", self.config.http_protocol_class).is_ending = True
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - overrides
        """End; at once where it was asked twice."""
        self.force_exit = self.should_exit
        self.should_exit = True
