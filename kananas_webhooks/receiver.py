"""The HTTP side: takes webhooks, and answers 202 to those that are stored.

Whatever is refused gets a status and nothing else: no word helps who guesses.
"""

from __future__ import annotations

import asyncio
import re
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

from kananas_webhooks.addresses import SecretsError
from kananas_webhooks.events import new_event
from kananas_webhooks.payload import is_accepted, is_plain
from kananas_webhooks.protocol import AUTHENTICATED
from kananas_webhooks.store import StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message, Receive, Scope, Send

    from kananas_webhooks.addresses import Secrets
    from kananas_webhooks.metrics import Metrics
    from kananas_webhooks.runner import Runner
    from kananas_webhooks.writer import Writer

PATH = "/hooks/"

DEFAULT_MAX_BODY = 1_000_000
DEFAULT_TIMEOUT = 10.0

_SECRET_ADDRESS = re.compile(rb"POST " + PATH.encode() + rb"([\w-]{1,100})[ ?]")

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
    """Takes webhooks and stores them."""

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
        self._routed = Starlette(
            routes=[
                Route(PATH + "{secret}", self._hook, methods=["POST"]),
                Route("/healthz", self._health),
                Route("/metrics", self._numbers),
            ],
            exception_handlers={HTTPException: _bare},
            lifespan=self._lifespan,
        )
        self._routed.router.redirect_slashes = False

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; who does not know the secret gets one response per connection."""
        if scope["type"] != "http":
            await self._routed(scope, receive, send)
            return

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start" and not scope["state"].get(AUTHENTICATED):
                named = {name.lower() for name, _ in message.get("headers", ())}
                if b"connection" not in named:
                    message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        refused = Response(status_code=400) if _has_two_lengths(scope) else None
        await (refused or self._routed)(scope, receive, send_and_close)

    def knows_secret(self, data: bytes) -> bool:
        """Return whether the beginning of a request says that its sender knows the secret."""
        found = _SECRET_ADDRESS.match(data)
        try:
            return found is not None and self._secrets.accept(found[1].decode("ascii"))
        except SecretsError:
            return False

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
        try:
            is_known = self._secrets.accept(request.path_params["secret"])
        except SecretsError as error:
            raise _RefusedError(503, StoreError.retry_after) from error
        if not is_known:
            raise _RefusedError(404)
        request.scope["state"][AUTHENTICATED] = True

    async def _read(self, request: Request, body: bytearray) -> None:
        """Read a body as it comes, never more of it than is taken."""
        refused = None
        headers = request.headers
        codings = ",".join(headers.getlist("content-encoding"))
        if not is_accepted(headers.get("content-type")) or not is_plain(codings):
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
        await self._writer.check()
        figures = self._writer.figures
        status, problem = "ok", figures.problem
        if problem is not None:
            status = "the store cannot be written"
        else:
            problem = self._problem_of_secrets()
            if problem is not None:
                status = "there is no secret"
        return JSONResponse(
            {
                "status": status,
                "problem": problem,
                "events": figures.events,
                "waiting": figures.waiting,
                "last_received_at": figures.last_received_at,
                "store_bytes": figures.bytes,
                "run": None if self._runner is None else self._runner.describe(),
            },
            status_code=200 if problem is None else 503,
        )

    def _problem_of_secrets(self) -> str | None:
        """Return why nobody can send; None where a secret is valid."""
        try:
            is_there = bool(self._secrets.values())
        except SecretsError as error:
            return str(error)
        return None if is_there else "`kananas-webhooks url` makes one"

    async def _numbers(self, _request: Request) -> Response:
        await self._writer.check()
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4")


def _has_two_lengths(scope: Scope) -> bool:
    """Return whether it cannot be told where the body ends (RFC 9112, section 6.1)."""
    names = {name for name, _ in scope["headers"]}
    is_plain = scope["http_version"] == "1.1" and b"content-length" not in names
    return b"transfer-encoding" in names and not is_plain


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
