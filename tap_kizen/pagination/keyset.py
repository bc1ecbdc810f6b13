"""Records that are read onwards in the order of their changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_kizen.pagination.paginator import OrderIgnoredError, PageRequest, Paginator

if TYPE_CHECKING:
    from datetime import datetime

    from tap_kizen.pagination.paginator import Page, Reader

#: The time that records are ordered and filtered by to find changes.
UPDATED = "updated"


class KeysetPaginator(Paginator):
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
        super().__init__(reader, PageRequest(ordering=UPDATED, since=since))
        self._until = until
        self.is_proven = is_proven
        self._is_proving = False
        #: What to ask when the proof has been made, or the way back been gone.
        self._then: PageRequest | None = None
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

    def follow(self, page: Page) -> PageRequest | None:
        """Return the next page, with the proof before the first of them.

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
        return PageRequest(ordering=f"-{UPDATED}", since=self.current_value.since, size=1)

    def _stamps(self, page: Page) -> list[datetime]:
        stamps = (self._reader.timestamp(record, UPDATED) for record in page.results)
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

    def _after(self, page: Page) -> PageRequest | None:
        ask, latest = self.current_value, self._latest
        if page.next is None or (latest and self._until and latest >= self._until):
            return None
        # Filters carry milliseconds.
        moment = latest and latest.replace(microsecond=latest.microsecond // 1000 * 1000)
        if moment is None or (ask.since is not None and moment <= ask.since):
            return ask._replace(page=ask.page + 1)
        return ask._replace(page=1, since=moment)

    def _prove(self, page: Page) -> PageRequest | None:
        self._is_proving = False
        if page.results:
            newest = page.results[0]
            stamp = self._reader.timestamp(newest, UPDATED)
            is_older = stamp is None or (self._latest is not None and stamp < self._latest)
            if is_older or (self._reader.key(newest), stamp) == self._first:
                raise OrderIgnoredError(UPDATED)
            self.is_proven = True
        elif page.next is not None:
            # Permissions hide the record that would tell.
            raise OrderIgnoredError(UPDATED)
        return self._then
