"""Both services behind one address, with what happens to every request on its way to them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount

from sandbox import pages
from sandbox.arrivals import Arrivals, ArrivalsMiddleware
from sandbox.faults import Faults, FaultsMiddleware
from sandbox.kananas import Kananas
from sandbox.kizen.service import application as kizen
from sandbox.limits import RateLimit
from sandbox.registration import Registration
from sandbox.waiting import Closing

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sandbox.account import Account
    from sandbox.options import Options

KIZEN_BASE = "/api"


class Stack:
    """The ASGI application and what a test may look into or change while it runs."""

    def __init__(self, options: Options, account: Account) -> None:
        """Serve ``account`` as ``options`` say."""
        self.arrivals = Arrivals()
        self.faults = Faults()
        self.closing = Closing()
        self.kananas = Kananas(options, account)
        self.registration = Registration(options, account)
        services = Starlette(
            routes=[
                *self.kananas.routes(),
                *self.registration.routes(),
                Mount(KIZEN_BASE, kizen(options, account)),
            ],
            exception_handlers={404: _not_found, 405: _method_not_allowed},
        )
        services.router.redirect_slashes = False
        app: ASGIApp = FaultsMiddleware(services, self.faults, self.closing)
        app = _Latency(app, options.latency / 1000, self.closing)
        app = RateLimit(app, options.rate_limit, f"{KIZEN_BASE}/")
        app = _RequestId(app)
        self.app: ASGIApp = ArrivalsMiddleware(app, options, self.arrivals)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return pages.not_found()


async def _method_not_allowed(_request: Request, _error: Exception) -> Response:
    return HTMLResponse("<h1>Method Not Allowed</h1>", status_code=405, headers={"Allow": "GET"})


class _Latency:
    """Holds every request back for a while, as a network does."""

    def __init__(self, app: ASGIApp, seconds: float, closing: Closing) -> None:
        self._app = app
        self._seconds = seconds
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._closing.wait(self._seconds)
        await self._app(scope, receive, send)


class _RequestId:
    """Adds ``X-Request-ID`` to every answer of Kizen, also to those that are faults."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(KIZEN_BASE):
            await self._app(scope, receive, send)
            return

        async def identifying(message: Message) -> None:
            if message["type"] == "http.response.start":
                pair = (b"x-request-id", str(uuid4()).encode())
                message = {**message, "headers": [*message.get("headers", []), pair]}
            await send(message)

        await self._app(scope, receive, identifying)
