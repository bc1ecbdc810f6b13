"""Faults on demand: answers that a healthy service would not give."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sandbox.middleware import Closing


@dataclass(frozen=True)
class Fault:
    """What happens to requests that match.

    Attributes:
        path: the path, or a pattern of it (``/api/*``); by default any.
        method: the method, by default any.
        query: a text that the query string holds (``page=3``), by default any.
        times: how many matching requests are hit; None hits them until the fault is removed.
        skip: how many matching requests pass before the first one is hit.
        share: the share of matching requests that is hit, drawn from ``seed``.
        status: answer with this status instead of asking the service.
        headers: headers of that answer.
        body: body of that answer.
        content_type: content type of that answer.
        delay: seconds to wait before anything is answered.
        close: close the connection without an answer.
        truncate: answer only this many bytes of the service's body, as if it were all.
        break_after: send this many bytes of the body, then close the connection.
    """

    path: str = "*"
    method: str | None = None
    query: str = ""
    times: int | None = 1
    skip: int = 0
    share: float = 1
    seed: int = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | str = ""
    content_type: str = "text/html; charset=utf-8"
    delay: float = 0
    close: bool = False
    truncate: int | None = None
    break_after: int | None = None

    def matches(self, scope: Scope) -> bool:
        """Return whether the request of ``scope`` is meant."""
        return (
            fnmatchcase(scope["path"], self.path)
            and self.method in {None, scope["method"]}
            and self.query in scope["query_string"].decode("latin-1")
        )


def read_faults(path: Path) -> list[Fault]:
    """Return the faults that the JSON file ``path`` lists, by the names of :class:`Fault`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else.
    """
    try:
        listed = msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
        return [Fault(**entry) for entry in listed]
    except (msgspec.MsgspecError, TypeError) as error:
        message = f"{path} is no list of faults: {error}"
        raise ValueError(message) from error


class _Armed:
    """A fault with the count of what it has met and hit."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.hits = 0
        self._met = 0
        self._rng = Random(fault.seed)  # noqa: S311 - which requests are hit is no secret

    def takes(self, scope: Scope) -> bool:
        fault = self.fault
        if not fault.matches(scope) or self.hits == fault.times:
            return False
        self._met += 1
        if self._met <= fault.skip or self._rng.random() >= fault.share:
            return False
        self.hits += 1
        return True


class Faults:
    """The faults of a running sandbox; safe to use from any thread."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = Lock()
        self._armed: list[_Armed] = []

    def add(self, *faults: Fault) -> None:
        """Add faults; the first added that matches a request is the one that hits it."""
        with self._lock:
            self._armed.extend(_Armed(fault) for fault in faults)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._armed.clear()

    @property
    def hits(self) -> int:
        """How many requests were hit by the present faults."""
        with self._lock:
            return sum(armed.hits for armed in self._armed)

    def take(self, scope: Scope) -> Fault | None:
        """Return the fault that hits the request of ``scope``, if any."""
        with self._lock:
            return next((armed.fault for armed in self._armed if armed.takes(scope)), None)


class FaultsMiddleware:
    """Lets faults happen."""

    def __init__(self, app: ASGIApp, faults: Faults, closing: Closing) -> None:
        """Let ``faults`` happen to requests before ``app`` sees them."""
        self._app = app
        self._faults = faults
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or do what a fault says."""
        fault = self._faults.take(scope) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        await self._closing.wait(fault.delay)
        if fault.close:
            await hang_up(scope, receive)
        elif fault.break_after is not None:
            await self._broken(scope, receive, send, fault)
        elif fault.truncate is not None:
            await self._truncated(scope, receive, send, fault)
        else:
            await self._answer(fault)(scope, receive, send)

    def _answer(self, fault: Fault) -> ASGIApp:
        """Return what answers: the fault itself, or the service if it sets no status."""
        if fault.status is None:
            return self._app
        return Response(fault.body, fault.status, dict(fault.headers), fault.content_type)

    async def _broken(self, scope: Scope, receive: Receive, send: Send, fault: Fault) -> None:
        left = fault.break_after or 0

        async def cutting(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.body":
                body = message.get("body", b"")[:left]
                left -= len(body)
                # Never the last message: a body that ends well would not be broken.
                message = {"type": "http.response.body", "body": body, "more_body": True}
            await send(message)

        await self._answer(fault)(scope, receive, cutting)
        await hang_up(scope, receive)

    async def _truncated(self, scope: Scope, receive: Receive, send: Send, fault: Fault) -> None:
        start: Message = {}
        parts: list[bytes] = []

        async def collecting(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self._answer(fault)(scope, receive, collecting)
        body = b"".join(parts)[: fault.truncate]
        headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection of a request, with what was sent so far, and nothing more."""
    scope["state"]["transport"].close()
    while (await receive())["type"] != "http.disconnect":
        pass
