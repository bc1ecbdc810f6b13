"""How a list is walked so that nothing is missed while it moves.

Pages are numbered, so a list that changes between two requests shifts its records across
page borders: archiving (the only delete) moves all later records towards the first page.
A walk from the first page on then skips records, and no count can tell.

* `Backward`: under a stable ascending order, from the last page to the first. What is
  archived meanwhile only repeats records, what is added falls behind the start. Under a
  filter, a change may put a record in ahead of the walk, and push another onto a page that
  has been read. The record put in is met itself: it tells that this happened.
* `BothWays`: where no order is certain, forward to the end and then back.
* `Seek`: records ordered by `updated` and filtered by it. Each request begins at the last
  moment reached, so no page number is carried over a change, and the walk can be resumed.
* `OnePage`: a bare list, or the first page alone.

On the way back from the last page, pages are asked for several at a time (see `Descent`). While
the last page is looked for, both pages that the answer may lead to are asked for beside the
current one. All else is asked for one after the other, since each request follows from the answer
before it.

Every record may come more than once; `Seen` drops repeats.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import msgspec
from singer_sdk.pagination import BaseAPIPaginator

from rest_tap.progress import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    import requests

#: How many ids `Seen` remembers at least. Repeats come from neighbouring pages; what comes
#: back after more records than this is put right by the loader's key.
REMEMBERED_IDS = 100_000

#: How many pages are read in any order before it is proven that nothing moved meanwhile. A proof
#: costs a request, a failed one that the pages are read again.
LONGEST_SPAN = 128

#: The time that records are ordered and filtered by to find changes.
UPDATED = "updated"

Record = TypeVar("Record")


class Page(msgspec.Struct):
    """One page of a list.

    `results` are the records as they come, or what else the reader makes of them. `next` is an
    absolute address or null. It only tells whether there is another page: it is never followed,
    so that no answer can lead the credentials to another host. `count`, the number of records in
    the whole list, is sent by some lists only. `is_past_end` marks a page that the list is too
    short for; it is not part of an answer.
    """

    results: list[dict[str, Any]]
    next: str | None = None
    count: int | None = None
    is_past_end: bool = False


class Ask(NamedTuple):
    """What one request asks for; the page token of every walk.

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


class Reader(Protocol):
    """What a walk needs to know of an answer."""

    def decode(self, response: requests.Response) -> Page:
        """Give the page in an answer."""

    def key(self, record: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Give the id of a record of a page, or None where it has none."""

    def stamp(self, record: Any, name: str) -> datetime | None:  # noqa: ANN401
        """Give a time of a record of a page, or None where it has none."""


class Walk(BaseAPIPaginator[Ask], ABC):
    """A way through a list: which page comes next, and whose records count."""

    #: Whether pages are read that lie before others: they may bring what these have brought.
    is_returning = False

    def __init__(self, reader: Reader, start: Ask) -> None:
        """Begin with the given request."""
        super().__init__(start)
        self._reader = reader

    def get_next(self, response: requests.Response) -> Ask | None:
        """Give the next request, or None at the end."""
        return self.follow(self._reader.decode(response))

    def continue_if_empty(self, response: requests.Response) -> bool:  # noqa: ARG002
        """Go on after a page without records: permissions can hide all of a page."""
        return True

    def wants(self, page: Page) -> bool:  # noqa: ARG002 - some walks look at it
        """Tell whether the records of the current page are to be sent."""
        return True

    @abstractmethod
    def follow(self, page: Page) -> Ask | None:
        """Give the request after the current one, which brought this page."""

    def ahead(self) -> Iterable[Ask]:
        """Give what will, or may well, be asked for next, nearest first."""
        return ()

    def pages_read(self) -> Part | None:
        """Give how many pages have been read, and of how many, once that is known."""
        return None

    def at(self, number: int) -> Ask | None:
        """Give the current request for another page; None below the first."""
        return self.current_value._replace(page=number) if number > 0 else None


class OnePage(Walk):
    """The current page and no other."""

    def follow(self, page: Page) -> None:
        """End."""


class Descent(Walk):
    """A walk that goes back to the first page at its end, several pages at a time.

    Records move in one direction only, towards the first page. So in the order of the pages, last
    to first, each is met; but pages that are asked for at the same time are answered in any
    order, and a record may slip from one that is still to be answered to one that has been.

    A span of pages is therefore read between two looks at one place: right behind the span. If
    the same record stands there, none before it was archived in between: no record of the span
    has moved, and the order of the answers does not matter. The first look is a page that was
    read before any of the span was asked for, the second is a request for one record. Where
    another record stands there the span is read again, in shorter spans; one page needs no proof.
    """

    def __init__(self, reader: Reader, start: Ask, pages: Pages) -> None:
        """Begin with the given request; `pages` tells how many may be asked for at a time."""
        super().__init__(reader, start)
        self._pages = pages
        self._is_looking = False
        self._length = LONGEST_SPAN
        self._top = self._bottom = self._last = 0
        #: The id of the record right behind the span, and of the first one in it.
        self._behind: Any = None
        self._lowest: Any = None

    def wants(self, page: Page) -> bool:  # noqa: ARG002
        """Send all but the second look."""
        return not self._is_looking

    def ahead(self) -> Iterable[Ask]:
        """Give the pages down to the first, those of the next span among them.

        What is read of the next span before the second look has been made lies between the
        looks at this span as well, and so has not moved either.
        """
        if not self.is_returning or (self._top == self._bottom and not self._is_looking):
            return
        last = self._bottom if self._is_looking else self.current_value.page
        for number in range(last - 1, 0, -1):
            yield self._plain(number)

    def pages_read(self) -> Part | None:
        """Give how many pages have been read on the way back, the one in hand among them."""
        if not self.is_returning:
            return None
        page = self._bottom if self._is_looking else self.current_value.page
        return Part(self._last - page + 1, self._last)

    def _plain(self, number: int) -> Ask:
        return self.current_value._replace(page=number, size=None)

    def turn_back(self, page: Page) -> Ask | None:
        """Go down from the current page, which has been read."""
        number = self.current_value.page
        return self._return(number, number - 1, self._first_id(page))

    def _return(self, last: int, top: int, behind: Any) -> Ask | None:  # noqa: ANN401 - an id
        """Go down from `top`, where the list has been found to end with the page `last`.

        A page that was asked for during the search is asked for again: its answer may be older
        than the look at what is behind it.
        """
        self.is_returning = True
        self._last = last
        ask = self._span(top, behind)
        return ask and ask._replace(turn=ask.turn + 1)

    def _span(self, top: int, behind: Any) -> Ask | None:  # noqa: ANN401 - any JSON value
        """Go on with the page `top`, knowing which record stands right behind it, if any."""
        has_proof = behind is not None and self._pages.window > 1
        self._top, self._behind = top, behind
        self._bottom = max(1, top - self._length + 1) if has_proof else top
        return self._plain(top) if top > 0 else None

    def descend(self, page: Page) -> Ask | None:
        """Give the request after the current one, on the way back."""
        ask = self.current_value
        if self._is_looking:
            return self._look(page)
        if ask.page > self._bottom:
            return self._plain(ask.page - 1)
        self._lowest = self._first_id(page)
        if self._top > self._bottom:
            self._is_looking = True
            return ask._replace(page=self._top * self._pages.size + 1, size=1)
        return self._span(ask.page - 1, self._lowest)

    def _look(self, page: Page) -> Ask | None:
        self._is_looking = False
        found = self._first_id(page)
        if found == self._behind:
            self._length = min(2 * self._length, LONGEST_SPAN)
            return self._span(self._bottom - 1, self._lowest)
        self._length = (self._top - self._bottom + 1) // 2
        if self._length == 1:
            # A list that never stands still is read one page after the other.
            self._pages = self._pages._replace(window=1)
        again = self._span(self._top, found)
        return again and again._replace(turn=again.turn + 1)

    def _first_id(self, page: Page) -> Any:  # noqa: ANN401 - any JSON value
        return self._reader.key(page.results[0]) if page.results else None


class Backward(Descent):
    """From the last page to the first, in ascending order of a time.

    The last page is where `count` says, if it says so. Else it is found by doubling the page
    number until the list ends, and halving the distance then: 20 answers tell where a thousand
    pages end. Pages met on that way are read again in their turn.
    """

    def __init__(
        self, reader: Reader, ordering: str, pages: Pages, since: datetime | None = None
    ) -> None:
        """Walk in ascending order of the time named `ordering`.

        Under a filter a change may put a record in anywhere, so that records move in both
        directions: then pages are asked for one after the other.
        """
        if since is not None:
            pages = pages._replace(window=1)
        super().__init__(reader, Ask(ordering=ordering, since=since), pages)
        self._ordering = ordering
        self._counted = False
        self._low = 0
        self._step = 1
        self._past_end: int | None = None

    def wants(self, page: Page) -> bool:
        """Send the last page, and all pages on the way back from it."""
        is_wanted = self.is_returning or page.next is None or self._borders_on_end
        return is_wanted and super().wants(page)

    @property
    def _borders_on_end(self) -> bool:
        return self._past_end == self.current_value.page + 1

    def follow(self, page: Page) -> Ask | None:
        """Search for the last page, then go down from it.

        Raises:
            OrderIgnoredError: If the records of the page are not in order.
        """
        self._check_order(page)
        number = self.current_value.page
        if self.is_returning:
            return self.descend(page)
        if page.is_past_end:
            self._past_end = number
        elif page.next is None or self._borders_on_end:
            return self.turn_back(page)
        else:
            self._low = number
        return self._search(page.count)

    def ahead(self) -> Iterable[Ask]:
        """Give the pages further down; during the search, those that either answer leads to.

        One of two is asked for in vain where the distance is halved. So a search takes half as
        long where an answer takes longer than the pause between two requests. It begins once
        the list is known to have several pages: short ones cost no more requests.
        """
        if self.is_returning:
            yield from super().ahead()
        elif self._pages.window > 1 and self._low > 1 and not self._counted:
            number = self.current_value.page
            if self._past_end is None:
                yield self._plain(number + self._step)
                return
            for low, past_end in ((number, self._past_end), (self._low, number)):
                if past_end - low > 1:
                    yield self._plain((low + past_end) // 2)

    def _search(self, count: int | None) -> Ask | None:
        low = self._low
        if self._past_end is not None:
            if self._past_end - low == 1:
                # The page in hand is past the end, the one before it has been seen.
                return self._return(low, low, None)
            return self.at((low + self._past_end) // 2)
        if count is not None and not self._counted:
            self._counted = True
            return self.at(max(-(-count // self._pages.size), low + 1))
        self._step, step = self._step * 2, self._step
        return self.at(low + step)

    def _check_order(self, page: Page) -> None:
        if page.next is None and self.current_value.page == 1:
            return
        stamps = [self._reader.stamp(record, self._ordering) for record in page.results]
        known = [stamp for stamp in stamps if stamp is not None]
        if any(earlier > later for earlier, later in pairwise(known)):
            raise OrderIgnoredError(self._ordering)


class BothWays(Descent):
    """Forward to the end, and back to the first page."""

    def __init__(self, reader: Reader, pages: Pages) -> None:
        """Begin with the first page."""
        super().__init__(reader, Ask(), pages)

    def follow(self, page: Page) -> Ask | None:
        """Turn where the list ends."""
        if self.is_returning:
            return self.descend(page)
        return self.turn_back(page) if page.next is None else self.at(self.current_value.page + 1)


class Seek(Walk):
    """Onwards by the time of the last change.

    Each request asks for the records changed at or after the last moment reached. Changed
    records move to the end, archived ones vanish: what is still ahead stays ahead. Only where
    one page holds a single moment does the page number rise; those pages are read backwards
    as well then.

    That the service keeps the order is proven before the second page: the order turned round
    must begin with a record changed no earlier than the last one read.
    """

    def __init__(
        self, reader: Reader, since: datetime, *, is_proven: bool, until: datetime | None = None
    ) -> None:
        """Read from a moment on, and no page after one that reaches `until`.

        `is_proven` tells that the order has been found to be kept before.
        """
        super().__init__(reader, Ask(ordering=UPDATED, since=since))
        self._until = until
        self.is_proven = is_proven
        self._is_proving = False
        #: What to ask when the proof has been made, or the way back been gone.
        self._then: Ask | None = None
        self._first: tuple[Any, datetime] | None = None
        self._latest: datetime | None = None

    @property
    def is_sorted(self) -> bool:
        """Whether all records that changed before the current ones have been sent."""
        return self.is_proven and not self.is_returning and self.current_value.page == 1

    def wants(self, page: Page) -> bool:
        """Send all but the proof.

        Raises:
            OrderIgnoredError: If the records of the page are not in order. None of them has
                been sent then, so that no bookmark has moved past a record still to come.
        """
        if self._is_proving:
            return False
        if not self.is_returning:
            self._check_order(page)
        return True

    def follow(self, page: Page) -> Ask | None:
        """Give the next page, with the proof before the first of them.

        Raises:
            OrderIgnoredError: If the service does not order by `updated`.
        """
        if self._is_proving:
            return self._prove(page)
        number = self.current_value.page
        if self.is_returning:
            self.is_returning = number > 1
            return self.at(number - 1) or self._then
        self._note_reach(page)
        self._then = self._after(page)
        if number > 1 and (self._then is None or self._then.page == 1):
            self.is_returning = True
            return self.at(number - 1)
        if self._then is None or self.is_proven or self._latest is None:
            return self._then
        self._is_proving = True
        return Ask(ordering=f"-{UPDATED}", since=self.current_value.since, size=1)

    def _stamps(self, page: Page) -> list[datetime]:
        stamps = (self._reader.stamp(record, UPDATED) for record in page.results)
        return [stamp for stamp in stamps if stamp is not None]

    def _check_order(self, page: Page) -> None:
        known = self._stamps(page)
        is_last = page.next is None
        # The one page of a short list may come in any order, unless the bookmark follows it.
        is_sorted = (is_last and not self.is_proven) or known == sorted(known)
        if not is_sorted or (len(known) < len(page.results) and not is_last):
            raise OrderIgnoredError(UPDATED)

    def _note_reach(self, page: Page) -> None:
        known = self._stamps(page)
        self._latest = known[-1] if known else None
        self._first = (self._reader.key(page.results[0]), known[0]) if known else None

    def _after(self, page: Page) -> Ask | None:
        ask, latest = self.current_value, self._latest
        if page.next is None or (latest and self._until and latest >= self._until):
            return None
        # Filters carry milliseconds.
        moment = latest and latest.replace(microsecond=latest.microsecond // 1000 * 1000)
        if moment is None or (ask.since is not None and moment <= ask.since):
            return ask._replace(page=ask.page + 1)
        return ask._replace(page=1, since=moment)

    def _prove(self, page: Page) -> Ask | None:
        self._is_proving = False
        if page.results:
            newest = page.results[0]
            stamp = self._reader.stamp(newest, UPDATED)
            is_older = stamp is None or (self._latest is not None and stamp < self._latest)
            if is_older or (self._reader.key(newest), stamp) == self._first:
                raise OrderIgnoredError(UPDATED)
            self.is_proven = True
        return self._then


class Seen:
    """Tells records that came before, by id, with bounded memory."""

    def __init__(self, remembered: int = REMEMBERED_IDS) -> None:
        """Remember at least so many of the latest ids."""
        self._remembered = remembered
        self._latest: set[Any] = set()
        self._before: set[Any] = set()

    def only_new(self, records: Iterable[Record], key_of: Callable[[Record], Any]) -> list[Record]:
        """Give the records whose id has not come before, and those that have none."""
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
