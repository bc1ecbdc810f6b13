"""Kananas on localhost: one script, ``event`` and ``request`` in the query, a ``token`` header."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from sandbox import pages
from sandbox.generate.contacts import stamp
from sandbox.kananas.corrupted_responses import LIES
from sandbox.kananas.envelopes import ENVELOPES, enveloped

if TYPE_CHECKING:
    from array import array
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox.account import Account
    from sandbox.options import Options

SCRIPT = "/action_manager.php"
ENTITIES = [
    {"id": 1, "name": "Fédération nationale", "parent": None},
    {"id": 2, "name": "Antenne Nord", "parent": 1},
    {"id": 3, "name": "Antenne Sud", "parent": 1},
    {"id": 4, "name": "Section jeunes", "parent": 2},
]
"""What ``request=entities`` answers: a second request, as an account may have."""
_LATEST = 2**62


class KananasScript:
    """The script; what a wrong token and an unknown request get is this project's assumption.

    ``lie`` (a key of ``LIES``, or None) may change between two requests.
    """

    def __init__(self, options: Options, account: Account) -> None:
        """Serve the contacts of ``account``."""
        self._options = options
        self._account = account
        self.lie = options.kananas_lie

    def routes(self) -> list[Route]:
        """Return the one route there is."""
        return [Route(SCRIPT, self.script, methods=["GET"])]

    async def script(self, request: Request) -> Response:
        """Answer ``GET /action_manager.php?event=api&request=…``."""
        token = request.headers.get("token", "")
        known = compare_digest(token.encode(), self._options.credentials.kananas_token.encode())
        if not known or request.query_params.get("event") != "api":
            return pages.login()
        name = request.query_params.get("request")
        if name == "entities":
            return JSONResponse({"entities": ENTITIES})
        if name != "contacts":
            return JSONResponse(
                {"error": {"code": "unknown_request", "message": "Unknown request"}}
            )
        if self.lie:
            return LIES[self.lie](b"".join(self._pieces(request)))
        return StreamingResponse(self._contacts(request), media_type="application/json")

    async def _contacts(self, request: Request) -> AsyncIterator[bytes]:
        for piece in self._pieces(request):
            yield piece

    def _pieces(self, request: Request) -> Iterator[bytes]:
        contacts = self._account.contacts
        now = self._selected(request)
        return enveloped(
            ENVELOPES[self._options.envelope],
            len(now),
            lambda start, end: contacts.encoded(start, end, of=now),
        )

    def _selected(self, request: Request) -> array[int]:
        """Return the contacts that a request wants; parameters that are not heeded do nothing."""
        contacts = self._account.contacts
        paging = self._options.kananas_paging
        since = request.query_params.get("updated_since")
        if since is None or paging == "none":
            selected = contacts.snapshot()
        else:
            selected = contacts.between(stamp(since), _LATEST)
        if paging == "none":
            return selected
        limit = _number(request, "limit", len(selected))
        start = _number(request, "offset", 0)
        if paging == "page":
            start = max(0, _number(request, "page", 1) - 1) * limit
        return selected[start : start + limit]


def _number(request: Request, name: str, default: int) -> int:
    """Return a parameter as PHP reads it: what is no number is 0."""
    text = request.query_params.get(name)
    if text is None:
        return default
    return int(text) if text.isdecimal() else 0
