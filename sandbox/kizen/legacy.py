"""The first generation of Kizen's API: one route per list, fixed keys and custom fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from sandbox.generate.crm.model import COMPANY, CONTACT
from sandbox.kizen.listing import Lists

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox.account import Account
    from sandbox.options import Options

_DEFAULT_PAGE_SIZE = 1000


class Legacy:
    """``GET /company``, the documented contract, and ``GET /client``, which others have seen."""

    def __init__(self, options: Options, account: Account) -> None:
        """Serve the companies and contacts of ``account``."""
        self._account = account
        self._lists = Lists(options)

    def routes(self) -> list[Route]:
        """Return the routes, below the API's base address."""
        return [Route("/company", self.companies), Route("/client", self.clients)]

    async def companies(self, request: Request) -> Response:
        """Answer a page of companies, the oldest first unless asked otherwise."""
        self._account.crm.move(COMPANY)
        return self._lists.of_records(
            request, self._account.companies, count=False, default_size=_DEFAULT_PAGE_SIZE
        )

    async def clients(self, request: Request) -> Response:
        """Answer a page of contacts, the oldest first unless asked otherwise."""
        self._account.crm.move(CONTACT)
        return self._lists.of_records(
            request, self._account.crm.clients, count=False, default_size=_DEFAULT_PAGE_SIZE
        )
