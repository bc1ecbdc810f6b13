"""Pagination by page number or by offset, checked against what the service really does."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_kananas.resources import Paging


class PaginationError(ValueError):
    """The service does not page as the setting says; the message says how that shows."""


class Paginator:
    """Reads a list page by page, by page numbers or by offsets.

    The list ends with an empty page. After a short one the next is asked for all the same,
    since the service may allow fewer records in a page than were asked for; where that next
    page is the short one again, the list ends too.
    """

    def __init__(self, paging: Paging | None) -> None:
        """Begin before the first page; without paging there is one page only."""
        self._paging = paging
        self._next = paging.first if paging else 0
        self._pages = 0
        self._last: tuple[int, bytes] | None = None
        self._read: list[tuple[dict[str, str], bytes]] = []
        self._numbers: dict[bytes, int] = {}
        # How many records a page has that is not the last one.
        self._full = paging.size if paging else 0
        #: What a user should know, one sentence each.
        self.notes: list[str] = []

    @property
    def parameters(self) -> dict[str, str]:
        """The query parameters of the next page."""
        if self._paging is None:
            return {}
        parameters = {self._paging.parameter: str(self._next)}
        if self._paging.size_parameter:
            parameters[self._paging.size_parameter] = str(self._paging.size)
        return parameters

    @property
    def has_begun(self) -> bool:
        """Whether there was a page with records."""
        return self._pages > 0

    @property
    def may_have_ended(self) -> bool:
        """Whether the page before was short, so that it may well have been the last one.

        Where all pages have fewer records than were asked for, the service allows no more, and
        none of them is short.
        """
        return self._paging is not None and 0 < self._last_count < self._full

    @property
    def _last_count(self) -> int:
        return self._last[0] if self._last else 0

    @property
    def second_pass(self) -> list[tuple[dict[str, str], bytes]]:
        """The parameters and the digests of all full pages, backwards.

        Where a row is deleted while pages are read, the first row of a page that is not read yet
        moves to the page before. On the way back rows move towards pages that are still to come.
        """
        full = self._read[:-1] if self.may_have_ended else self._read
        return full[::-1]

    def note_refused_page(self) -> None:
        """Note that a page was refused, since the list ended before it."""
        self.notes.append(
            f"page {self._pages + 1} was refused: the list ends with page {self._pages}, which has "
            f"{self._last_count:,} records"
        )

    def is_new(self, records: int, digest: bytes) -> bool:
        """Return whether a page shows anything that no earlier one did.

        Args:
            records: How many records the page has.
            digest: What tells its records from those of another page.

        Raises:
            PaginationError: If a full page comes a second time: the service pays no heed to the
                parameter, or begins anew, and would go on for ever.
        """
        if self._paging is None:
            return True
        if self._last != (records, digest):
            return not self._has_begun_anew(digest)
        if records >= self._paging.size:
            message = (
                f"page {self._pages + 1} is page {self._pages} again: the service pays no heed "
                f"to the parameter '{self._paging.parameter}'"
            )
            raise PaginationError(message)
        if self._pages == 1:
            self.notes.append(
                f"page 2 is page 1 again: there is one page of {records:,} records, or the "
                f"service pays no heed to the parameter '{self._paging.parameter}'"
            )
        return False

    def _has_begun_anew(self, digest: bytes) -> bool:
        """Return whether the service sends a page again where the list ends."""
        earlier = self._numbers.get(digest)
        if earlier is None:
            return False
        words = f"page {self._pages + 1} is page {earlier} again"
        if not self.may_have_ended:
            message = f"{words}, and the page before is full: where the list ends cannot be told"
            raise PaginationError(message)
        self.notes.append(f"{words}: the list ends with page {self._pages}")
        return True

    def advance(self, records: int, digest: bytes) -> bool:
        """Note a page that was read; return whether another one is to be asked for."""
        if self._paging is None or records == 0:
            return False
        if self.may_have_ended and self._pages == 1:
            self.notes.append(
                f"the service allows {self._last_count:,} records in a page, "
                f"not {self._paging.size:,}"
            )
            self._full = self._last_count
        self._last = (records, digest)
        self._read.append((self.parameters, digest))
        self._pages += 1
        self._numbers[digest] = self._pages
        self._next += 1 if self._paging.kind == "page" else records
        return True


class PageDigest:
    """A digest that tells the records of one page from those of another."""

    def __init__(self) -> None:
        """Begin with no record."""
        self._hash = sha256()

    def add(self, record: object) -> None:
        """Take one record into account."""
        self._hash.update(repr(record).encode(errors="surrogatepass"))

    @property
    def value(self) -> bytes:
        """What tells these records from others."""
        return self._hash.digest()
