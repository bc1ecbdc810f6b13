"""The Kizen application: credentials first, then the routes, and Kizen's error pages."""

from __future__ import annotations

from functools import cache
from hmac import compare_digest
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox import pages
from sandbox.account import Account
from sandbox.kizen import openapi
from sandbox.kizen.lists import AccountLists
from sandbox.kizen.pages import RefusedRequestError
from sandbox.kizen.records import Objects
from sandbox.options import Options

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send


def application(options: Options, account: Account) -> ASGIApp:
    """Return the API as it stands below its base address."""
    routes: list[Route] = list(_operations(options, account))
    if options.kizen_account != "legacy":
        routes.append(Route("/docs/schema", _schema))
    routed = Starlette(
        routes=routes,
        exception_handlers={
            404: _not_found,
            405: _method_not_allowed,
            RefusedRequestError: _refused,
        },
    )
    # With a trailing slash Kizen knows no path; it never redirects.
    routed.router.redirect_slashes = False
    return _Credentials(routed, options)


def _operations(options: Options, account: Account) -> list[openapi.Operation]:
    operations = []
    lists = AccountLists(options, account)
    if options.kizen_account != "objects":
        operations += lists.legacy_routes()
    if options.kizen_account != "legacy":
        operations += [*Objects(options, account, options.seed).routes(), *lists.routes()]
    return operations


@cache
def description() -> openapi.Schema:
    """Return the OpenAPI document of every operation that an account can have."""
    options = Options(contacts=0, companies=0)
    return openapi.description(_operations(options, Account(options)))


async def _schema(_request: Request) -> Response:
    return JSONResponse(description())


async def _refused(_request: Request, error: Exception) -> Response:
    return cast("RefusedRequestError", error).response


async def _not_found(_request: Request, _error: Exception) -> Response:
    return pages.not_found()


async def _method_not_allowed(request: Request, error: Exception) -> Response:
    return JSONResponse(
        {"detail": f'Method "{request.method}" not allowed.'},
        status_code=405,
        headers=getattr(error, "headers", None),
    )


class _Credentials:
    """Answers the documented 401 unless all three headers are right."""

    def __init__(self, app: ASGIApp, options: Options) -> None:
        self._app = app
        wanted = options.credentials
        self._headers = {
            "x-api-key": wanted.kizen_api_key,
            "x-user-id": wanted.kizen_user_id,
            "x-business-id": wanted.kizen_business_id,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Request(scope).headers
        right = [
            compare_digest(given.get(name, "").encode(), value.encode())
            for name, value in self._headers.items()
        ]
        if all(right):
            await self._app(scope, receive, send)
        else:
            answer = JSONResponse({"code": "missing_business_context"}, status_code=401)
            await answer(scope, receive, send)
