"""Both services behind one address, with what happens to every request on its way to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount

from sandbox import pages
from sandbox.arrivals import Arrivals, ArrivalsMiddleware
from sandbox.faults import Faults, FaultsMiddleware
from sandbox.kananas.registration import Registration
from sandbox.kananas.service import KananasScript
from sandbox.kizen.service import application as kizen
from sandbox.middleware import Closing, Latency, RateLimit, RequestId

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

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
        self.kananas = KananasScript(options, account)
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
        app = Latency(app, options.latency / 1000, self.closing)
        app = RateLimit(app, options.rate_limit, f"{KIZEN_BASE}/")
        app = RequestId(app, KIZEN_BASE)
        self.app: ASGIApp = ArrivalsMiddleware(app, options, self.arrivals)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return pages.not_found()


async def _method_not_allowed(_request: Request, _error: Exception) -> Response:
    return HTMLResponse("<h1>Method Not Allowed</h1>", status_code=405, headers={"Allow": "GET"})
