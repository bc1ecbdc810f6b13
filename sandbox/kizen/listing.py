"""Lists of the current generation: pages of records, pages of plain entries, bare arrays."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import JSONResponse, Response

from sandbox.kizen import paging

if TYPE_CHECKING:
    from array import array

    from starlette.requests import Request

    from sandbox.options import Options
    from sandbox.records import Record, Records

DEFAULT_PAGE_SIZE = 100


class Lists:
    """Answers lists as the options of one account want them."""

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
        selected: array[int] | None = None,
        default_size: int = DEFAULT_PAGE_SIZE,
    ) -> Response:
        """Answer a page of ``records``, or of those ``selected``, ordered by creation."""
        page = paging.requested(request, default_size)
        ordering = refused_ordering(request)
        if not isinstance(page, paging.Page):
            return page
        if isinstance(ordering, Response):
            return ordering
        with records.lock:
            total = len(records) if selected is None else len(selected)
            results = records.encoded(
                page.start, page.end, descending=ordering == "-created", of=selected
            )
        return paging.envelope(request, page, total, results, count=self.counted(documented=count))

    def of_entries(
        self, request: Request, entries: list[Record], *, count: bool, bare: bool = False
    ) -> Response:
        """Answer a page of ``entries``; ``bare``: the whole array unless a page size was sent."""
        if bare and "page_size" not in request.query_params:
            return JSONResponse(entries)
        page = paging.requested(request, DEFAULT_PAGE_SIZE)
        ordering = refused_ordering(request)
        if not isinstance(page, paging.Page):
            return page
        if isinstance(ordering, Response):
            return ordering
        if ordering and all("created" in entry for entry in entries):
            entries = sorted(entries, key=itemgetter("created"), reverse=ordering == "-created")
        results = b",".join(map(msgspec.json.encode, entries[page.start : page.end]))
        return paging.envelope(
            request, page, len(entries), results, count=self.counted(documented=count)
        )


def refused_ordering(request: Request) -> str | Response:
    """Return the ordering that a request asks for, or the answer that refuses it (assumed)."""
    ordering = request.query_params.get("ordering", "")
    if ordering in {"", "created", "-created", "order"}:
        return ordering
    message = "Unknown ordering: use created or -created."
    return JSONResponse({"ordering": [message]}, status_code=400)
