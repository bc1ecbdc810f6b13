"""The lists of both generations: companies, contacts, activities, forms, team and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.generate.crm.lists import FIXED_LISTS, FixedList
from sandbox.generate.crm.model import COMPANY, CONTACT
from sandbox.kizen.openapi import COUNTED, EITHER, PAGE, Operation
from sandbox.kizen.pages import LARGEST_PAGE, Lists, not_visible

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox.account import Account
    from sandbox.options import Options


class AccountLists:
    """Lists that every account has; those that the user may not see are empty."""

    def __init__(self, options: Options, account: Account) -> None:
        """Serve the lists of ``account``."""
        self._hidden = options.kizen_hidden
        self._crm = account.crm
        self._lists = Lists(options)

    def legacy_routes(self) -> list[Operation]:
        """Return ``/company``, the documented contract, and ``/client``, which others have seen."""
        return [
            Operation("/company", self.companies, "Company", PAGE),
            Operation("/client", self.clients, "Client", PAGE),
        ]

    def routes(self) -> list[Operation]:
        """Return the routes of the current generation, below the API's base address."""
        return [
            Operation(
                "/activities/scheduled-activity", self.scheduled, "ScheduledActivity", COUNTED
            ),
            Operation(
                "/activities/{activity}/responses",
                self.responses,
                "LoggedActivity",
                PAGE,
                method="POST",
            ),
            *(
                Operation(fixed.path, self._answering(fixed), fixed.schema, _shape(fixed))
                for fixed in FIXED_LISTS
            ),
        ]

    async def companies(self, request: Request) -> Response:
        """Answer a page of companies, the oldest first unless asked otherwise."""
        self._crm.move(COMPANY)
        return self._lists.of_records(
            request, self._crm.companies, count=False, default_size=LARGEST_PAGE
        )

    async def clients(self, request: Request) -> Response:
        """Answer a page of contacts, the oldest first unless asked otherwise."""
        self._crm.move(CONTACT)
        return self._lists.of_records(
            request, self._crm.clients, count=False, default_size=LARGEST_PAGE
        )

    def _answering(self, fixed: FixedList) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            entries = [] if fixed.name in self._hidden else self._crm.lists[fixed.name]
            return self._lists.of_entries(
                request, entries, count=fixed.is_counted, bare=fixed.is_bare
            )

        return answer

    async def scheduled(self, request: Request) -> Response:
        """Answer the scheduled activities."""
        if "scheduled_activities" in self._hidden:
            return self._lists.of_entries(request, [], count=True)
        return self._lists.of_records(request, self._crm.scheduled, count=True)

    async def responses(self, request: Request) -> Response:
        """Answer what was logged of one type of activity; the body is not looked at (assumed)."""
        records = self._crm.logged.get(request.path_params["activity"])
        if records is None or "activities" in self._hidden:
            raise not_visible()
        return self._lists.of_records(request, records, count=False)


def _shape(fixed: FixedList) -> str:
    if fixed.is_bare:
        return EITHER
    return COUNTED if fixed.is_counted else PAGE
