"""Kizen's pages: ``page``, ``page_size`` and ``ordering`` in, an envelope out."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from sandbox.options import Options
    from sandbox.records import Record, Records

LARGEST_PAGE = 1000
DEFAULT_PAGE_SIZE = 100
_ORDERINGS = ("", "created", "-created", "order")


class RefusedRequestError(Exception):
    """A request that is answered with ``response``, an error."""

    def __init__(self, status: int, body: object) -> None:
        """Refuse with this status and body."""
        super().__init__(status)
        self.response = JSONResponse(body, status)


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


def requested(request: Request, default_size: int = DEFAULT_PAGE_SIZE) -> Page:
    """Return the page that ``request`` asks for.

    Raises:
        RefusedRequestError: page or size are out of range; the answer to that is this project's
            assumption.
    """
    size = _integer(request, "page_size", default_size)
    if not 1 <= size <= LARGEST_PAGE:
        message = f"Ensure this value is between 1 and {LARGEST_PAGE}."
        raise RefusedRequestError(400, {"page_size": [message]})
    number = _integer(request, "page", 1)
    if number < 1:
        raise _invalid()
    return Page(number, size)


def _integer(request: Request, name: str, default: int) -> int:
    try:
        return int(request.query_params.get(name, default))
    except ValueError:
        return 0


def _invalid() -> RefusedRequestError:
    """Return the refusal of a page that does not exist (this project's assumption)."""
    return RefusedRequestError(404, {"detail": "Invalid page."})


def not_visible() -> RefusedRequestError:
    """Return the refusal of what does not exist, or is not visible to the user."""
    return RefusedRequestError(404, {"detail": "Not found.", "code": "not_found"})


def _ordering(request: Request) -> str:
    """Return the ordering that a request asks for; refusing others is assumed."""
    ordering = request.query_params.get("ordering", "")
    if ordering not in _ORDERINGS:
        message = "Unknown ordering: use created or -created."
        raise RefusedRequestError(400, {"ordering": [message]})
    return ordering


def envelope(  # noqa: PLR0913 - what an envelope has
    request: Request, page: Page, total: int, results: bytes, *, count: bool, errors: bool = False
) -> Response:
    """Return a page of ``total`` records; ``results`` are JSON texts parted by commas.

    Raises:
        RefusedRequestError: the page is beyond the last.
    """
    last = max(1, -(-total // page.size))
    if page.number > last:
        raise _invalid()
    head: dict[str, object] = {"count": total} if count else {}
    head["next"] = _address(request, page.number + 1) if page.number < last else None
    head["previous"] = _address(request, page.number - 1) if page.number > 1 else None
    if errors:
        head["errors"] = []
    pieces = (msgspec.json.encode(head)[:-1], b',"results":[', results, b"]}")
    return _Pieces(pieces)


def _address(request: Request, number: int) -> str:
    return str(request.url.include_query_params(page=number))


class Lists:
    """Answers lists as the options of one account want them.

    Its methods raise :class:`RefusedRequestError`.
    """

    def __init__(self, options: Options) -> None:
        """Answer with the counts that ``options`` say."""
        self._counts = options.kizen_counts

    def counted(self, *, documented: bool) -> bool:
        """Return whether pages carry a count that do, or do not, by the documentation."""
        return documented if self._counts == "documented" else self._counts == "all"

    def of_records(
        self,
        request: Request,
        records: Records,
        *,
        count: bool,
        default_size: int = DEFAULT_PAGE_SIZE,
    ) -> Response:
        """Answer a page of ``records``, ordered by creation."""
        page, ordering = requested(request, default_size), _ordering(request)
        with records.lock:
            total = len(records)
            results = records.encoded(page.start, page.end, descending=ordering == "-created")
        return envelope(request, page, total, results, count=self.counted(documented=count))

    def of_entries(
        self, request: Request, entries: Sequence[Record], *, count: bool, bare: bool = False
    ) -> Response:
        """Answer a page of ``entries``; ``bare``: the whole array unless a page size was sent."""
        if bare and "page_size" not in request.query_params:
            return JSONResponse(entries)
        page, ordering = requested(request), _ordering(request)
        if ordering and all("created" in entry for entry in entries):
            entries = sorted(entries, key=itemgetter("created"), reverse=ordering == "-created")
        results = b",".join(map(msgspec.json.encode, entries[page.start : page.end]))
        return envelope(request, page, len(entries), results, count=self.counted(documented=count))
