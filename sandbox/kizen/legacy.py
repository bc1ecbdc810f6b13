"""The first generation of Kizen's API: one route per list, fixed keys and custom fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.kizen import paging

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox.account import Account
    from sandbox.options import Options

_DEFAULT_PAGE_SIZE = 1000
_ORDERINGS = ("created", "-created")


class Legacy:
    """``GET /company``, the documented contract."""

    def __init__(self, options: Options, account: Account) -> None:
        """Serve the companies of ``account``."""
        self._options = options
        self._account = account

    def routes(self) -> list[Route]:
        """Return the routes, below the API's base address."""
        return [Route("/company", self.companies, methods=["GET"])]

    async def companies(self, request: Request) -> Response:
        """Answer a page of companies, the oldest first unless asked otherwise."""
        page = paging.requested(request, _DEFAULT_PAGE_SIZE)
        if not isinstance(page, paging.Page):
            return page
        ordering = request.query_params.get("ordering", "created")
        if ordering not in _ORDERINGS:
            message = f"Unknown ordering: use {' or '.join(_ORDERINGS)}."
            return JSONResponse({"ordering": [message]}, status_code=400)
        records = self._account.companies
        with records.lock:
            total = len(records)
            results = records.encoded(page.start, page.end, descending=ordering == "-created")
        return paging.envelope(request, page, total, results, count=self._options.kizen_count)
