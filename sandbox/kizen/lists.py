"""The fixed lists of the current generation: activities, forms, team and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from sandbox.kizen.listing import Lists
from sandbox.kizen.records import not_visible

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox.account import Account
    from sandbox.options import Options

_LISTS = {
    "/activities": ("activities", False),
    "/forms": ("forms", False),
    "/surveys": ("surveys", False),
    "/role": ("roles", False),
    "/permission-group": ("permission_groups", False),
    "/automation2/automations": ("automations", True),
}
"""By path: the list, and whether its pages carry a count."""


class FixedLists:
    """Lists that every account has; those that the user may not see are empty."""

    def __init__(self, options: Options, account: Account) -> None:
        """Serve the lists of ``account``."""
        self._hidden = options.kizen_hidden
        self._crm = account.crm
        self._lists = Lists(options)

    def routes(self) -> list[Route]:
        """Return the routes, below the API's base address."""
        return [
            Route("/activities/scheduled-activity", self.scheduled),
            Route("/activities/{activity}/responses", self.responses, methods=["POST"]),
            Route("/team", self.team),
            *(Route(path, self._list(*listed)) for path, listed in _LISTS.items()),
        ]

    def _list(self, name: str, count: bool) -> Callable[[Request], Awaitable[Response]]:  # noqa: FBT001 - from a table
        async def answer(request: Request) -> Response:
            entries = [] if name in self._hidden else self._crm.lists[name]
            return self._lists.of_entries(request, entries, count=count)

        return answer

    async def team(self, request: Request) -> Response:
        """Answer the team: a bare array unless a page size was sent."""
        entries = [] if "team" in self._hidden else self._crm.lists["team"]
        return self._lists.of_entries(request, entries, count=False, bare=True)

    async def scheduled(self, request: Request) -> Response:
        """Answer the scheduled activities."""
        if "scheduled_activities" in self._hidden:
            return self._lists.of_entries(request, [], count=True)
        return self._lists.of_records(request, self._crm.scheduled, count=True)

    async def responses(self, request: Request) -> Response:
        """Answer what was logged of one type of activity; the body is not looked at (assumed)."""
        records = self._crm.logged.get(request.path_params["activity"])
        if records is None or "activities" in self._hidden:
            return not_visible()
        return self._lists.of_records(request, records, count=False)
