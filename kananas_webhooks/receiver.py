"""The HTTP side: takes webhooks, and answers 202 to those that are stored.

Whatever is refused gets a status and nothing else: no word helps who guesses.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from time import monotonic
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kananas_webhooks.events import new_event
from kananas_webhooks.payload import is_accepted
from kananas_webhooks.store import StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kananas_webhooks.addresses import Secrets
    from kananas_webhooks.metrics import Metrics
    from kananas_webhooks.runner import Runner
    from kananas_webhooks.writer import Writer

PATH = "/hooks/"

DEFAULT_MAX_BODY = 1_000_000
DEFAULT_TIMEOUT = 10.0

# How much of a refused body is read, so that its sender sees the answer.
_DRAINED_BODIES = 16

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Limits:
    """What is taken.

    Attributes:
        max_body: Bytes a body may have.
        max_bodies: Bytes that all bodies may take that are being received or stored.
        body_seconds: How long a sender may take for a body.
        allowed: The networks that may send; none for all.
    """

    max_body: int = DEFAULT_MAX_BODY
    max_bodies: int = 64_000_000
    body_seconds: float = DEFAULT_TIMEOUT
    allowed: tuple[Network, ...] = field(default=())


class _RefusedError(Exception):
    def __init__(self, status: int, retry_after: int | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after = retry_after


class Receiver:
    """Takes webhooks and stores them.

    Attributes:
        app: The ASGI application.
    """

    def __init__(
        self,
        secrets: Secrets,
        writer: Writer,
        metrics: Metrics,
        limits: Limits,
        runner: Runner | None = None,
    ) -> None:
        """Serve; the writer starts and ends with the application, and so does the runner."""
        self._secrets = secrets
        self._writer = writer
        self._metrics = metrics
        self._limits = limits
        self._runner = runner
        self._held = 0
        self.app = Starlette(
            routes=[
                Route(PATH + "{secret}", self._hook, methods=["POST"]),
                Route("/healthz", self._health),
                Route("/metrics", self._numbers),
            ],
            exception_handlers={HTTPException: _bare},
            lifespan=self._lifespan,
        )
        self.app.router.redirect_slashes = False

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._writer.start()
        work = None
        if self._runner is not None:
            if self._writer.figures.waiting:
                self._runner.notice()
            work = asyncio.create_task(self._runner.work())
        try:
            yield
        finally:
            if work is not None:
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work
            self._writer.stop()

    async def _hook(self, request: Request) -> Response:
        headers = {}
        try:
            await self._take(request)
            status = 202
        except _RefusedError as error:
            status = error.status
            # Of a refused request the rest may still be on its way.
            headers["Connection"] = "close"
            if error.retry_after is not None:
                headers["Retry-After"] = str(error.retry_after)
        self._metrics.answered(status)
        return Response(status_code=status, headers=headers)

    async def _take(self, request: Request) -> None:
        """Store a webhook.

        Raises:
            _RefusedError: It is not stored.
        """
        self._check_sender(request)
        body = bytearray()
        try:
            await asyncio.wait_for(self._read(request, body), self._limits.body_seconds)
            await self._store(request, bytes(body))
        except asyncio.TimeoutError:
            raise _RefusedError(408) from None
        except ClientDisconnect:
            raise _RefusedError(400) from None
        finally:
            self._held -= len(body)

    def _check_sender(self, request: Request) -> None:
        allowed = self._limits.allowed
        if allowed and not (request.client and _is_in(request.client.host, allowed)):
            raise _RefusedError(403)
        if not self._secrets.accept(request.path_params["secret"]):
            raise _RefusedError(404)

    async def _read(self, request: Request, body: bytearray) -> None:
        """Read a body as it comes, never more of it than is taken."""
        refused = None
        headers = request.headers
        if not is_accepted(headers.get("content-type")) or headers.get(
            "content-encoding", "identity"
        ) not in {"", "identity"}:
            refused = _RefusedError(415)
        seen = 0
        async for piece in request.stream():
            seen += len(piece)
            if refused is None and seen > self._limits.max_body:
                refused = _RefusedError(413)
            elif refused is None and self._held + len(piece) > self._limits.max_bodies:
                refused = _RefusedError(503, StoreBusyError.retry_after)
            if refused is None:
                body += piece
                self._held += len(piece)
            elif seen > self._limits.max_body * _DRAINED_BODIES:
                break
        if refused is not None:
            raise refused

    async def _store(self, request: Request, body: bytes) -> None:
        query = request.scope["query_string"].decode("latin-1")
        event = new_event(body, request.headers.items(), query, self._secrets.values())
        started = monotonic()
        try:
            await self._writer.append(event)
        except StoreError as error:
            raise _RefusedError(503, error.retry_after) from error
        self._metrics.stored(monotonic() - started)
        if self._runner is not None:
            self._runner.notice()

    async def _health(self, _request: Request) -> Response:
        figures = self._writer.figures
        return JSONResponse(
            {
                "status": "ok" if figures.problem is None else "the store cannot be written",
                "problem": figures.problem,
                "events": figures.events,
                "waiting": figures.waiting,
                "last_received_at": figures.last_received_at,
                "store_bytes": figures.bytes,
                "run": None if self._runner is None else self._runner.describe(),
            },
            status_code=200 if figures.problem is None else 503,
        )

    async def _numbers(self, _request: Request) -> Response:
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4")


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)


async def _bare(_request: Request, error: Exception) -> Response:
    """Answer with a status and nothing else."""
    if not isinstance(error, HTTPException):
        raise error
    return Response(status_code=error.status_code, headers=error.headers)
