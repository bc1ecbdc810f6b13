"""The paginators: in which order the pages of a list are requested, so that no record is missed.

Pages are numbered, so a list that changes between two requests shifts its records across page
borders: archiving (the only delete) moves all later records towards the first page. A read from
the first page on then skips records, and no count can tell.

* `reverse.ReversePaginator`: under a stable ascending order, from the last page to the first. What
  is archived meanwhile only repeats records, what is added falls behind the start. Under a filter,
  a change may put a record in ahead of the read, and push another onto a page that has been read.
  The record put in is met itself: it tells that this happened.
* `reverse.TwoPassPaginator`: where no order is certain, forward to the end and then back.
* `keyset.KeysetPaginator`: records ordered by `updated` and filtered by it. Each request begins at
  the last moment reached, so no page number is carried over a change, and the read can be resumed.
* `SinglePagePaginator`: a bare list, or the first page alone.

On the way back from the last page, several pages are prefetched (`reverse.ReversePagination`).
While the last page is searched for, both pages that a response may lead to are prefetched beside
the current one. All other requests are sent one after the other, since each follows from the
response before it.

Every record may come more than once; `Seen` drops repeats.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar

import msgspec
from singer_sdk.pagination import BaseAPIPaginator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    import requests

    from rest_tap.progress import Part

#: How many ids `Seen` remembers at least. Repeats come from neighbouring pages; what comes
#: back after more records than this is put right by the loader's key.
REMEMBERED_IDS = 100_000

#: How many pages in a row may have no record, and how many are read one after the other.
MAX_EMPTY_PAGES = 1_000
MAX_PAGES_IN_TURN = 100_000

Record = TypeVar("Record")


class Page(msgspec.Struct):
    """One page of a list.

    `results` are the records as they come, or what else the reader makes of them. `next` is an
    absolute address or null. It only tells whether there is another page: it is never followed,
    so that no answer can lead the credentials to another host. `count`, the number of records in
    the whole list, is sent by some lists only. `errors` is empty, or a part of the page is not
    there. `is_past_end` marks a page that the list is too short for, `is_missing` one that was
    answered with 404; both are no part of an answer.
    """

    results: list[dict[str, Any]]
    next: str | None = None
    count: int | None = None
    errors: Any = None
    is_past_end: bool = False
    is_missing: bool = False


class PageRequest(NamedTuple):
    """What one request asks for; the page token of every paginator.

    `page` counts from 1. `size` is the number of records per page, or None for the setting.
    `since` is the lower bound of `updated`, or None for no filter. `turn` is not sent: it tells
    a request from an earlier one for the same page.
    """

    page: int = 1
    ordering: str | None = None
    since: datetime | None = None
    size: int | None = None
    turn: int = 0


class Pages(NamedTuple):
    """How a list is asked for: `size` records a page, at most `window` pages at a time."""

    size: int
    window: int = 1


class OrderIgnoredError(Exception):
    """The service did not keep the order it was asked for."""

    def __init__(self, ordering: str) -> None:
        """Name the time that the list was to be ordered by."""
        super().__init__(f"not in the order of '{ordering}'")


class EndlessListError(Exception):
    """The service says of every page that another one follows."""


class Reader(Protocol):
    """What a paginator needs to know of a response."""

    def decode(self, response: requests.Response) -> Page:
        """Return the page in an answer."""

    def key(self, record: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return the id of a record of a page, or None where it has none."""

    def timestamp(self, record: Any, name: str) -> datetime | None:  # noqa: ANN401
        """Return a time of a record of a page, or None where it has none."""


class Paginator(BaseAPIPaginator[PageRequest], ABC):
    """Which page comes next, and whose records count."""

    #: Whether pages are read that lie before others: they may bring what these have brought.
    is_returning = False

    #: The page that was not found, though the one before it names it as the next; 0 for none.
    gap = 0

    #: The page that was not found last.
    _missing = 0

    #: The page after which the list has no end.
    last_page: ClassVar[int] = MAX_PAGES_IN_TURN

    def __init__(self, reader: Reader, start: PageRequest) -> None:
        """Begin with the given request."""
        super().__init__(start)
        self._reader = reader
        self._empty_pages = 0

    def get_next(self, response: requests.Response) -> PageRequest | None:
        """Return the next request, or None at the end.

        Raises:
            EndlessListError: If the list goes on beyond what can be.
        """
        page = self._reader.decode(response)
        self._note_gap(page)
        upcoming = self.follow(page)
        if not self.is_returning and upcoming is not None:
            self._check_end(page, upcoming)
        return upcoming

    def _note_gap(self, page: Page) -> None:
        """Tell a page that was not found from one that the list is too short for.

        The page before it tells, where it is read after it: it names a next one, or is the last.
        """
        ask = self.current_value
        if ask.size is not None:
            # A look at one record, which has another number.
            return
        if page.is_missing:
            self._missing = ask.page
        elif page.next is not None and ask.page == self._missing - 1:
            self.gap = self._missing

    def _check_end(self, page: Page, upcoming: PageRequest) -> None:
        self._empty_pages = 0 if page.results or page.is_past_end else self._empty_pages + 1
        if self._empty_pages >= MAX_EMPTY_PAGES:
            message = f"{self._empty_pages:,} pages in a row hold no record, and name a next one"
            raise EndlessListError(message)
        if upcoming.page > self.last_page:
            message = f"page {self.current_value.page:,} still names a next one"
            raise EndlessListError(message)

    def continue_if_empty(self, response: requests.Response) -> bool:  # noqa: ARG002
        """Go on after a page without records: permissions can hide all of a page."""
        return True

    def wants(self, page: Page) -> bool:  # noqa: ARG002 - some paginators look at it
        """Return whether the records of the current page are to be sent."""
        return True

    @abstractmethod
    def follow(self, page: Page) -> PageRequest | None:
        """Return the request after the current one, which brought this page."""

    def upcoming(self) -> Iterable[PageRequest]:
        """Return what will, or may well, be asked for next, nearest first."""
        return ()

    def pages_read(self) -> Part | None:
        """Return how many pages have been read, and of how many, once that is known."""
        return None

    def at(self, number: int) -> PageRequest | None:
        """Return the current request for another page; None below the first."""
        return self.current_value._replace(page=number) if number > 0 else None


class SinglePagePaginator(Paginator):
    """The current page and no other."""

    def follow(self, page: Page) -> None:
        """End."""


class Seen:
    """Tells records that came before, by id, with bounded memory."""

    def __init__(self, remembered: int = REMEMBERED_IDS) -> None:
        """Remember at least so many of the latest ids."""
        self._remembered = remembered
        self._latest: set[Any] = set()
        self._before: set[Any] = set()

    def only_new(self, records: Iterable[Record], key_of: Callable[[Record], Any]) -> list[Record]:
        """Return the records whose id has not come before, and those that have none."""
        new = []
        for record in records:
            key = key_of(record)
            if isinstance(key, str | int):
                if key in self._latest or key in self._before:
                    continue
                self._latest.add(key)
                if len(self._latest) >= self._remembered:
                    self._before, self._latest = self._latest, set()
            new.append(record)
        return new
