"""Kananas on localhost: one script, ``event`` and ``request`` in the query, a ``token`` header."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from sandbox import pages
from sandbox.envelopes import ENVELOPES, enveloped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox.account import Account
    from sandbox.options import Options

SCRIPT = "/action_manager.php"


class Kananas:
    """The script; what a wrong token and an unknown request get is this project's assumption."""

    def __init__(self, options: Options, account: Account) -> None:
        """Serve the contacts of ``account``."""
        self._options = options
        self._account = account

    def routes(self) -> list[Route]:
        """Return the one route there is."""
        return [Route(SCRIPT, self.script, methods=["GET"])]

    async def script(self, request: Request) -> Response:
        """Answer ``GET /action_manager.php?event=api&request=…``."""
        token = request.headers.get("token", "")
        known = compare_digest(token.encode(), self._options.credentials.kananas_token.encode())
        if not known or request.query_params.get("event") != "api":
            return pages.login()
        if request.query_params.get("request") != "contacts":
            return JSONResponse(
                {"error": {"code": "unknown_request", "message": "Unknown request"}}
            )
        return StreamingResponse(self._contacts(), media_type="application/json")

    async def _contacts(self) -> AsyncIterator[bytes]:
        contacts = self._account.contacts
        now = contacts.snapshot()
        pieces: Iterator[bytes] = enveloped(
            ENVELOPES[self._options.envelope],
            len(now),
            lambda start, end: contacts.encoded(start, end, of=now),
        )
        for piece in pieces:
            yield piece
