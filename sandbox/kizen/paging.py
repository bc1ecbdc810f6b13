"""Kizen's pages: ``page`` and ``page_size`` in, an envelope with absolute addresses out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

LARGEST_PAGE = 1000


class Page(NamedTuple):
    """The page that a request asks for; ``number`` counts from 1."""

    number: int
    size: int

    @property
    def start(self) -> int:
        """The position of the first record."""
        return (self.number - 1) * self.size

    @property
    def end(self) -> int:
        """The position behind the last record."""
        return self.start + self.size


class _Pieces(Response):
    """A JSON answer in pieces: a page is some megabytes, and joining them would copy it."""

    media_type = "application/json"

    def __init__(self, pieces: tuple[bytes, ...]) -> None:
        super().__init__()
        self._pieces = pieces
        self.headers["Content-Length"] = str(sum(map(len, pieces)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})


def requested(request: Request, default_size: int) -> Page | Response:
    """Return the page that ``request`` asks for, or the answer that refuses it.

    What a page size out of range and a page that is no number get is this project's assumption.
    """
    try:
        size = int(request.query_params.get("page_size", default_size))
    except ValueError:
        size = 0
    if not 1 <= size <= LARGEST_PAGE:
        message = f"Ensure this value is between 1 and {LARGEST_PAGE}."
        return JSONResponse({"page_size": [message]}, status_code=400)
    try:
        number = int(request.query_params.get("page", 1))
    except ValueError:
        number = 0
    return Page(number, size) if number > 0 else invalid()


def invalid() -> Response:
    """Return the answer to a page that does not exist (this project's assumption)."""
    return JSONResponse({"detail": "Invalid page."}, status_code=404)


def envelope(  # noqa: PLR0913 - what an envelope has
    request: Request, page: Page, total: int, results: bytes, *, count: bool, errors: bool = False
) -> Response:
    """Return a page of ``total`` records; ``results`` are JSON texts parted by commas."""
    last = max(1, -(-total // page.size))
    if page.number > last:
        return invalid()
    head: dict[str, object] = {"count": total} if count else {}
    head["next"] = _address(request, page.number + 1) if page.number < last else None
    head["previous"] = _address(request, page.number - 1) if page.number > 1 else None
    if errors:
        head["errors"] = []
    pieces = (msgspec.json.encode(head)[:-1], b',"results":[', results, b"]}")
    return _Pieces(pieces)


def _address(request: Request, number: int) -> str:
    return str(request.url.include_query_params(page=number))
