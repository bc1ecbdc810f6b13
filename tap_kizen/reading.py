"""How a list of Kizen is read whole: by which way, and into which rows."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk.helpers.conform import TypeConformanceLevel

from rest_tap.errors import RefusedError
from rest_tap.responses import decode_json
from tap_kizen.client import KizenClient
from tap_kizen.pagination.paginator import (
    OrderIgnoredError,
    Page,
    PageRequest,
    Pages,
    Seen,
    SinglePagePaginator,
)
from tap_kizen.pagination.reverse import ReversePaginator, TwoPassPaginator
from tap_kizen.rows.columns import mark_of
from tap_kizen.rows.shapes import kinds
from tap_kizen.rows.typed import TypedTable
from tap_kizen.timestamps import parse_timestamp, to_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    import msgspec
    from singer_sdk.helpers.types import Context, Record

    from tap_kizen.pagination.paginator import Paginator
    from tap_kizen.rows.typed import TypedRecords


class KizenStream(KizenClient):
    """A list of Kizen as a stream: every record once, as a row."""

    primary_keys: ClassVar[tuple[str, ...]] = ("id",)

    # Values are made to fit here; the SDK would drop what a nested schema does not name.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    #: The time by which the list can be ordered, oldest first; None where there is none.
    ordering: ClassVar[str | None] = "created"

    #: What decodes records while they are read by the page.
    _typed: TypedRecords | None = None

    # Reading

    def dedup_key(self, record: Any) -> Any:  # noqa: ANN401
        """Return what a record has in common with its repeats; None where nothing tells them."""
        return self.key(record)

    def paginators(self) -> list[Callable[[], Paginator]]:
        """Return the ways to read the list, the best first; the last one asks for least."""
        if not self.has_pages:
            return [lambda: SinglePagePaginator(self, PageRequest())]
        pages = self.pages
        ways: list[Callable[[], Paginator]] = [lambda: TwoPassPaginator(self, pages)]
        if self.ordering is not None:
            ordering = self.ordering
            ways.insert(0, lambda: ReversePaginator(self, ordering, pages))
        return ways

    @property
    def pages(self) -> Pages:
        """How large pages are, and how many may be asked for at a time."""
        return Pages(int(self.config["page_size"]), int(self.config["concurrent_requests"]))

    def read(self, context: Context | None) -> Iterable[dict[str, Any]]:
        """Yield every record once, as the service sends it."""
        for page in self.read_pages(context):
            yield from page

    def read_pages(self, context: Context | None) -> Iterator[list[Any]]:
        """Yield every record once, page by page: as the service sends it, or typed."""
        seen = Seen()
        ways = self.paginators()
        for number, way in enumerate(ways, start=1):
            try:
                for page in self.paginate(way(), context):
                    yield seen.only_new(page, self.dedup_key)
            except (RefusedError, OrderIgnoredError) as error:  # noqa: PERF203 - a few ways
                is_start = self._paginator.count == 0 or isinstance(error, OrderIgnoredError)
                if number == len(ways) or not is_start:
                    raise
                self.way_failed(error)
            else:
                self._tell_gap()
                return

    def _tell_gap(self) -> None:
        if gap := self._paginator.gap:
            self.leave_out(f"page {gap} was not found, though page {gap - 1} names a next one")

    def way_failed(self, error: Exception) -> None:
        """Say that the list could not be ordered, and what this costs."""
        self.logger.warning(
            "%s: the service does not order this list by '%s' (%s): it is read forwards and "
            "backwards instead, which may miss records that move across pages meanwhile",
            self.name,
            self.ordering,
            "refused" if isinstance(error, RefusedError) else "ignored",
        )

    # Rows by the page

    @cached_property
    def typed_records(self) -> TypedRecords | None:
        """What decodes the usual records of this stream; None where nothing does."""
        return TypedTable.of(self.columns)

    @property
    def has_rows(self) -> bool:
        """Whether records can be decoded straight into rows."""
        return self.typed_records is not None

    def typed_page(self, body: bytes) -> Page | None:
        """Decode a page whose records go by the page; None where it goes the ordinary way.

        Raises:
            ValueError: If a record is no JSON object.
        """
        typed = self._typed
        if typed is None:
            return None

        def otherwise(raw: msgspec.Raw) -> dict[str, Any]:
            record = decode_json(raw, dict[str, Any])
            typed.learn(self.other_keys(record))
            return record

        page = typed.decode(body, otherwise)
        return None if page is None else Page(page.results, page.next, page.count, page.errors)

    def timestamp(self, record: Any, name: str) -> datetime | None:  # noqa: ANN401
        """Return a time of a record, as the service sent it or typed; None where it has none."""
        if self._typed is not None and type(record) is not dict:
            return self._typed.timestamp(record, name)
        return super().timestamp(record, name)

    def read_rows(self, context: Context | None) -> Iterator[list[Any]]:
        """Yield the rows of the wanted records, page by page."""
        self._typed = self.typed_records
        try:
            for page in self.read_pages(context):
                if rows := self.rows(page):
                    yield rows
        finally:
            self._typed = None

    def rows(self, page: list[Any]) -> list[Any]:
        """Return the rows of those records of a page that are wanted."""
        typed = cast("TypedRecords", self._typed)
        rows = []
        for record in page:
            if type(record) is dict:
                row = self.row_of(record)
                if row is not None:
                    rows.append(row)
            elif self.wants(record):
                rows.append(typed.finish(record))
        return rows

    def row_of(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Make a row of a record as the service sent it; None where it is not wanted."""
        return self.post_process(record)

    def other_keys(self, record: dict[str, Any]) -> Iterable[str]:
        """Return the keys of a record that have no column."""
        return record.keys() - self.columns.keys()

    def wants(self, record: Any) -> bool:  # noqa: ANN401, ARG002
        """Return whether a record is to be sent."""
        return True

    # Records

    @cached_property
    def columns(self) -> Mapping[str, dict[str, Any]]:
        """The columns the schema declares, without the one that holds all others."""
        properties: dict[str, dict[str, Any]] = self.schema["properties"]
        return {name: schema for name, schema in properties.items() if name != "additional_fields"}

    @cached_property
    def kinds(self) -> Mapping[str, frozenset[type]]:
        """The types of values that each column takes."""
        return {name: kinds(schema) for name, schema in self.columns.items()}

    @cached_property
    def time_columns(self) -> tuple[str, ...]:
        """The columns that hold moments."""
        return tuple(
            name for name, schema in self.columns.items() if schema.get("format") == "date-time"
        )

    @cached_property
    def unwanted(self) -> frozenset[str]:
        """The columns that are not selected: what they hold must not come in by another."""
        return frozenset(name for name in self.columns if not self.mask["properties", name])

    def column_marks(self) -> Mapping[str, tuple[str, ...]]:
        """Return, for each selected column, the mark to remember it by, and others as good.

        Rows that are loaded hold null in a column that has none of its marks in the state.
        """
        return {
            name: (mark_of(name, schema),)
            for name, schema in self.columns.items()
            if name not in self.unwanted
        }

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:  # noqa: ARG002
        """Put moments into UTC, and what fits no column into `additional_fields`.

        Args:
            row: A record as the service sent it.
            context: Not used; children carry the id of their parent.

        Returns:
            The record with declared columns only. `additional_fields` is null where every
            value has its column.
        """
        record: dict[str, Any] = {}
        others: dict[str, Any] = {}
        for key, value in row.items():
            if key in self.unwanted:
                continue
            if type(value) in self.kinds.get(key, ()):
                record[key] = value
            else:
                others[key] = value
        for key in self.time_columns:
            value = record.get(key)
            if value is not None:
                moment = parse_timestamp(value)
                if moment is None:
                    others[key] = value
                record[key] = to_utc(moment) if moment else None
        record["additional_fields"] = in_order(others)
        return record


def in_order(others: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is kept of keys without a column, in the order of the keys; None for nothing.

    So it is the same text, however the service orders its keys and the record was decoded.
    """
    return {key: others[key] for key in sorted(others)} or None
