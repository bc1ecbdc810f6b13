"""Lists that are read from their last page to their first."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rest_tap.progress import Part
from tap_kizen.pagination.paginator import OrderIgnoredError, PageRequest, Paginator

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tap_kizen.pagination.paginator import Page, Pages, Reader

#: How many pages are read in any order before it is proven that nothing moved meanwhile. A proof
#: costs a request, a failed one that the pages are read again.
LONGEST_SPAN = 128

#: The last page that is searched for: the number doubles, and is there after 30 requests.
LAST_PAGE = 2**30


class Span(NamedTuple):
    """Pages from `top` down to `bottom`; `behind` is the id of the record right behind them."""

    top: int
    bottom: int
    behind: Any = None

    @property
    def needs_proof(self) -> bool:
        """Whether it is to be proven that nothing moved; one page is read at one moment."""
        return self.top > self.bottom


class ReversePagination(Paginator):
    """Pagination from the last page back to the first, several pages at a time.

    Records move in one direction only, towards the first page. So in the order of the pages, last
    to first, each is met; but pages that are asked for at the same time are answered in any
    order, and a record may slip from one that is still to be answered to one that has been.

    A span of pages is therefore read between two looks at one place: right behind the span. If
    the same record stands there, none before it was archived in between: no record of the span
    has moved, and the order of the answers does not matter. The first look is a page that was
    read before any of the span was asked for, the second is a request for one record, asked for
    once the last page of the span has been answered. Nobody waits for its answer: it is taken
    after those pages of the next span that are on their way by then. Where another record stands
    there, the span is read again, in shorter spans.
    """

    def __init__(self, reader: Reader, start: PageRequest, pages: Pages) -> None:
        """Begin with the given request; `pages` tells how many may be asked for at a time."""
        super().__init__(reader, start)
        self._pages = pages
        self._is_looking = False
        self._length = LONGEST_SPAN
        self._last = 0
        #: What is being read, and what has been read and not yet been proven.
        self._span = Span(0, 0)
        self._unproven: Span | None = None
        #: The page read last, and the id of the first record in it.
        self._number = 0
        self._lowest: Any = None

    def wants(self, page: Page) -> bool:  # noqa: ARG002
        """Send all but the second look."""
        return not self._is_looking

    def upcoming(self) -> Iterable[PageRequest]:
        """Return the pages down to the first, those of the next span among them.

        What is read of the next span before the second look has been made lies between the
        looks at this span as well, and so has not moved either.
        """
        if not self.is_returning or not self._span.needs_proof:
            return
        number = self._number if self._is_looking else self.current_value.page
        look_after = 0 if self._is_looking else self._look_after
        if number == look_after:
            yield self._second_look()
        for other in range(number - 1, 0, -1):
            yield self._plain(other)
            if other == look_after:
                yield self._second_look()

    def pages_read(self) -> Part | None:
        """Return how many pages have been read on the way back, the one in hand among them."""
        if not self.is_returning:
            return None
        page = self._number if self._is_looking else self.current_value.page
        return Part(self._last - page + 1, self._last)

    def _plain(self, number: int) -> PageRequest:
        return self.current_value._replace(page=number, size=None)

    def turn_back(self, page: Page) -> PageRequest | None:
        """Go down from the current page, which has been read."""
        number = self.current_value.page
        return self._return(number, number - 1, self._first_id(page))

    def _return(self, last: int, top: int, behind: Any) -> PageRequest | None:  # noqa: ANN401 - an id
        """Go down from `top`, where the list has been found to end with the page `last`."""
        self.is_returning = True
        self._last = last
        return self._begin_anew(top, behind)

    def _begin_anew(self, top: int, behind: Any) -> PageRequest | None:  # noqa: ANN401
        """Read from `top` down what may have been asked for before, and be answered late."""
        self._begin(top, behind)
        if self.gap <= top:
            self.gap = 0
        return self._plain(top)._replace(turn=self.current_value.turn + 1) if top > 0 else None

    def _begin(self, top: int, behind: Any) -> None:  # noqa: ANN401
        """Begin a span, knowing which record stands right behind it, if any."""
        has_proof = behind is not None and self._pages.window > 1
        bottom = max(1, top - self._length + 1) if has_proof else top
        self._span = Span(top, bottom, behind)

    def descend(self, page: Page) -> PageRequest | None:
        """Return the request after the current one, on the way back."""
        if self._is_looking:
            return self._look(page)
        self._number = self.current_value.page
        self._lowest = self._first_id(page)
        return self._go_on()

    def _go_on(self) -> PageRequest | None:
        is_end = self._number == self._span.bottom
        if is_end and self._unproven is None:
            if self._span.needs_proof:
                self._unproven = self._span
            self._begin(self._number - 1, self._lowest)
        if self._number == self._look_after:
            self._is_looking = True
            return self._second_look()
        return self._plain(self._number - 1) if self._number > 1 else None

    @property
    def _look_after(self) -> int:
        """The page after which the answer to the second look is taken; 0 for none.

        The request is sent when this page is the last one in the window.
        """
        if self._unproven is None:
            return 0
        return max(self._unproven.bottom - self._pages.window + 1, self._span.bottom, 1)

    def _second_look(self) -> PageRequest:
        span = cast("Span", self._unproven)
        return self.current_value._replace(page=span.top * self._pages.size + 1, size=1)

    def _look(self, page: Page) -> PageRequest | None:
        self._is_looking = False
        span, self._unproven = cast("Span", self._unproven), None
        found = self._first_id(page)
        if found == span.behind:
            self._length = min(2 * self._length, LONGEST_SPAN)
            return self._go_on()
        self._length = (span.top - span.bottom + 1) // 2
        if self._length == 1:
            # A list that never stands still is read one page after the other.
            self._pages = self._pages._replace(window=1)
        return self._begin_anew(span.top, found)

    def _first_id(self, page: Page) -> Any:  # noqa: ANN401 - any JSON value
        return self._reader.key(page.results[0]) if page.results else None


class ReversePaginator(ReversePagination):
    """From the last page to the first, in ascending order of a time.

    The last page is where `count` says, if it says so. Else it is found by doubling the page
    number until the list ends, and halving the distance then: 20 answers tell where a thousand
    pages end. Pages met on that way are read again in their turn.
    """

    last_page = LAST_PAGE

    def __init__(
        self, reader: Reader, ordering: str, pages: Pages, since: datetime | None = None
    ) -> None:
        """Read in ascending order of the time named `ordering`.

        Under a filter a change may put a record in anywhere, so that records move in both
        directions: then pages are asked for one after the other.
        """
        if since is not None:
            pages = pages._replace(window=1)
        super().__init__(reader, PageRequest(ordering=ordering, since=since), pages)
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

    def follow(self, page: Page) -> PageRequest | None:
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

    def upcoming(self) -> Iterable[PageRequest]:
        """Return the pages further down; during the search, those that either answer leads to.

        One of two is asked for in vain where the distance is halved. So a search takes half as
        long where an answer takes longer than the pause between two requests. It begins once
        the list is known to have several pages: short ones cost no more requests.
        """
        if self.is_returning:
            yield from super().upcoming()
        elif self._pages.window > 1 and self._low > 1 and not self._counted:
            number = self.current_value.page
            if self._past_end is None:
                yield self._plain(number + self._step)
                return
            for low, past_end in ((number, self._past_end), (self._low, number)):
                if past_end - low > 1:
                    yield self._plain((low + past_end) // 2)

    def _search(self, count: int | None) -> PageRequest | None:
        low = self._low
        if self._past_end is not None:
            if self._past_end - low == 1:
                # The page in hand is past the end, the one before it has been seen.
                return self._return(low, low, None)
            return self.at((low + self._past_end) // 2)
        if count is not None and not self._counted:
            self._counted = True
            return self.at(max(min(-(-count // self._pages.size), LAST_PAGE), low + 1))
        self._step, step = self._step * 2, self._step
        return self.at(low + step)

    def _check_order(self, page: Page) -> None:
        if page.next is None and self.current_value.page == 1:
            return
        stamps = [self._reader.timestamp(record, self._ordering) for record in page.results]
        known = [stamp for stamp in stamps if stamp is not None]
        if any(earlier > later for earlier, later in pairwise(known)):
            raise OrderIgnoredError(self._ordering)


class TwoPassPaginator(ReversePagination):
    """Forward to the end, and back to the first page."""

    def __init__(self, reader: Reader, pages: Pages) -> None:
        """Begin with the first page."""
        super().__init__(reader, PageRequest(), pages)

    def follow(self, page: Page) -> PageRequest | None:
        """Turn where the list ends."""
        if self.is_returning:
            return self.descend(page)
        return self.turn_back(page) if page.next is None else self.at(self.current_value.page + 1)
