"""How Kizen is asked: credentials, pages, and the envelope of an answer.

Facts are from Kizen's public documentation unless said otherwise: three headers on every
request, page numbers from 1, an envelope `{previous, next, results}` with `count` on some
lists, no trailing slash on any path.
"""

from __future__ import annotations

from functools import cached_property
from http import HTTPStatus
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import parse_qs, urlsplit

from singer_sdk.authenticators import APIAuthenticatorBase
from singer_sdk.exceptions import FatalAPIError
from singer_sdk.helpers.conform import TypeConformanceLevel

from rest_tap.answers import decode_json, describe_answer
from rest_tap.errors import RefusedError, UnavailableError
from rest_tap.streams import HttpStream
from tap_kizen.descent import Backward, BothWays
from tap_kizen.shapes import kinds
from tap_kizen.timestamps import parse_timestamp, to_utc
from tap_kizen.typed import TypedTable
from tap_kizen.walk import Ask, OnePage, OrderIgnoredError, Page, Pages, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    import msgspec
    import requests
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.streams.rest import HTTPRequest, PageContext

    from rest_tap.progress import Part
    from tap_kizen.tap import TapKizen
    from tap_kizen.typed import TypedRecords
    from tap_kizen.walk import Walk

DEFAULT_API_URL = "https://app.go.kizen.com/api"
MAX_PAGE_SIZE = 1000

OTHER_ID = "has an id that is no text, where Kizen documents UUIDs"


class KizenAuthenticator(APIAuthenticatorBase):
    """Puts the three headers of the API on a request."""

    def __init__(self, *, api_key: str, user_id: str, business_id: str) -> None:
        """Take the key (secret) and the two UUIDs (not secret) of an API user."""
        super().__init__()
        self.auth_headers = {
            "X-API-Key": api_key,
            "X-User-Id": user_id,
            "X-Business-Id": business_id,
        }


class KizenStream(HttpStream):
    """A list of Kizen, read page by page."""

    credential_settings = ("api_key", "user_id", "business_id")
    optional = True

    primary_keys: ClassVar[tuple[str, ...]] = ("id",)

    # Values are made to fit here; the SDK would drop what a nested schema does not name.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    #: The time by which the list can be ordered, oldest first; None where there is none.
    ordering: ClassVar[str | None] = "created"

    #: Whether the list has pages; else it comes as a bare array.
    has_pages: ClassVar[bool] = True

    #: Whether the list may come as a bare array. Elsewhere one is no list at all: an empty
    #: one would count as a table without rows.
    may_be_bare: ClassVar[bool] = False

    #: What an answer is decoded as, and what a bare array is.
    page_type: ClassVar[type[Page]] = Page
    list_type: ClassVar[Any] = list[dict[str, Any]]

    #: Whether its records are rows, and their ids have been text so far.
    has_ids = True

    #: What decodes records while they are read by the page.
    _typed: TypedRecords | None = None

    _decoded: tuple[requests.Response, Page] | None = None
    _count: int | None = None
    _page_before: tuple[Ask, list[Any]] | None = None
    _walk: Walk

    @property
    def kizen(self) -> TapKizen:
        """The tap, with what it knows of the account."""
        return cast("TapKizen", self._tap)

    @cached_property
    def authenticator(self) -> KizenAuthenticator:
        """The credentials from the settings."""
        return KizenAuthenticator(
            api_key=self.config["api_key"],
            user_id=self.config["user_id"],
            business_id=self.config["business_id"],
        )

    # Requests

    def get_new_paginator(self) -> Walk:
        """Go the way that `walk` was told."""
        return self._walk

    def get_http_request(self, *, page: PageContext[Ask]) -> HTTPRequest:
        """Ask for one page. The size is always sent: the service's default is not certain."""
        request = super().get_http_request(page=page)
        ask = page.next_page_token or Ask()
        if self.has_pages:
            request.params["page"] = ask.page
            request.params["page_size"] = ask.size or self.config["page_size"]
        if ask.ordering is not None:
            request.params["ordering"] = ask.ordering
        return request

    def validate_response(self, response: requests.Response) -> None:
        """Refuse an answer that is not a success; a page past the end is one."""
        if not self._is_past_end(response):
            super().validate_response(response)

    @property
    def advice_on_size(self) -> str:
        """Say that smaller pages may be asked for, where there are pages."""
        return f"lower {self.setting('page_size')}" if self.has_pages else super().advice_on_size

    @property
    def page_token(self) -> Ask:
        """What the page in hand was asked for by."""
        return self._walk.current_value

    def page_tokens_ahead(self) -> Iterable[Ask]:
        """Give what the walk will ask for next, whatever the page in hand brings."""
        return self._walk.ahead()

    def pages_read(self) -> Part | None:
        """Give how many pages of the list have been read, and how many it has, if that is known."""
        return self._walk.pages_read()

    @staticmethod
    def _is_past_end(response: requests.Response) -> bool:
        if response.status_code != HTTPStatus.NOT_FOUND:
            return False
        # 404 may also mean "not visible to you", but then the first page is 404 as well.
        asked = parse_qs(urlsplit(response.request.url or "").query)
        return int(asked.get("page", ["1"])[0]) > 1

    # Answers

    @property
    def expected_records(self) -> int | None:
        """How many records the list has, by the latest answer; some lists do not say."""
        return self._count

    def decode(self, response: requests.Response) -> Page:
        """Decode a page, once, though both the walk and the parser ask for it.

        Raises:
            FatalAPIError: If the body is neither a page of records nor a list of them.
        """
        if self._decoded is None or self._decoded[0] is not response:
            self._decoded = (response, self._page(response))
        return self._decoded[1]

    def _page(self, response: requests.Response) -> Page:
        if self._is_past_end(response):
            return Page(results=[], is_past_end=True)
        try:
            if self.may_be_bare and response.content.lstrip()[:1] == b"[":
                page = Page(results=decode_json(response.content, self.list_type))
                self._tell_other_ids([self.key(record) for record in page.results])
                return page
            typed = self._typed_page(response.content)
            page = typed or decode_json(response.content, self.page_type)
        except ValueError as error:
            message = (
                f"{self.name}: expected a JSON object with a list 'results', but "
                f"{describe_answer(response)}: check {self.setting('api_url')}"
            )
            raise FatalAPIError(message) from error
        ids = [self.key(record) for record in page.results]
        self._tell_other_ids(ids)
        self._refuse_repetition(ids)
        self._count = page.count
        beyond = not page.results and page.next is None and self._walk.current_value.page > 1
        page.is_past_end = beyond
        return page

    def _typed_page(self, body: bytes) -> Page | None:
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
        return None if page is None else Page(page.results, page.next, page.count)

    def _tell_other_ids(self, ids: list[Any]) -> None:
        """Say, once, that an id is neither text nor missing: a loader only sees that it is odd."""
        if self.has_ids and not {str, NoneType}.issuperset(map(type, ids)):
            self.has_ids = False
            self.logger.warning(
                "%s: a record %s; the loader refuses it, or keeps it aside: check %s",
                self.name,
                OTHER_ID,
                self.setting("api_url"),
            )

    def text_id(self, record: dict[str, Any]) -> str:
        """Give the id of a record that more is asked for by.

        Raises:
            FatalAPIError: If it is no text. To leave the record out would leave out, and count as
                gone, all that belongs to it.
        """
        found = record.get("id")
        if not isinstance(found, str):
            message = f"{self.name}: a record {OTHER_ID}: check {self.setting('api_url')}"
            raise FatalAPIError(message)
        return found

    def _refuse_repetition(self, ids: list[Any]) -> None:
        """Stop where the service answers every page number with the same page.

        Raises:
            FatalAPIError: If a page has just the records of the one before.
        """
        ask = self._walk.current_value
        before, self._page_before = self._page_before, (ask, ids)
        if self._walk.is_returning or before is None or not ids or None in ids:
            return
        if before[1] != ids:
            return
        if before[0].page != ask.page and before[0]._replace(page=ask.page) == ask:
            message = (
                f"{self.name}: pages {before[0].page} and {ask.page} hold the same records: "
                "the service pays no heed to the page number"
            )
            raise FatalAPIError(message)

    def parse_response(self, response: requests.Response) -> Iterable[Any]:
        """Yield the records of a page as a list, if the walk wants them."""
        page = self.decode(response)
        if self._walk.wants(page):
            yield page.results

    def key(self, record: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Give the id of a record, as the service sent it or typed; None where it has none."""
        return record.get("id") if type(record) is dict else record.id

    def likeness(self, record: Any) -> Any:  # noqa: ANN401
        """Give what a record has in common with its repeats; None where nothing tells them."""
        return self.key(record)

    def stamp(self, record: Any, name: str) -> datetime | None:  # noqa: ANN401
        """Give a time of a record, as the service sent it or typed; None where it has none."""
        if self._typed is not None and type(record) is not dict:
            return self._typed.stamp(record, name)
        return self.stamp_of(record, name)

    def stamp_of(self, record: dict[str, Any], name: str) -> datetime | None:
        """Give a time of a record as the service sent it; None where none can be read."""
        value = record.get(name)
        return parse_timestamp(value) if isinstance(value, str) else None

    # Reading

    def walk(self, walk: Walk, context: Context | None) -> Iterator[list[Any]]:
        """Yield the records that a walk comes by, page by page, repeats among them."""
        self._walk = walk
        self._page_before = None
        yield from cast("Iterable[list[Any]]", self.request_records(context))

    def walks(self) -> list[Callable[[], Walk]]:
        """Give the ways to read the list, the best first; the last one asks for least."""
        if not self.has_pages:
            return [lambda: OnePage(self, Ask())]
        pages = self.pages
        ways: list[Callable[[], Walk]] = [lambda: BothWays(self, pages)]
        if self.ordering is not None:
            ordering = self.ordering
            ways.insert(0, lambda: Backward(self, ordering, pages))
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
        ways = self.walks()
        for number, way in enumerate(ways, start=1):
            try:
                for page in self.walk(way(), context):
                    yield seen.only_new(page, self.likeness)
            except (RefusedError, OrderIgnoredError) as error:  # noqa: PERF203 - a few ways
                is_start = self._walk.count == 0 or isinstance(error, OrderIgnoredError)
                if number == len(ways) or not is_start:
                    raise
                self.way_failed(error)
            else:
                return

    def way_failed(self, error: Exception) -> None:
        """Say that the list could not be ordered, and what this costs."""
        self.logger.warning(
            "%s: the service does not order this list by '%s' (%s): it is read forwards and "
            "backwards instead, which may miss records that move across pages meanwhile",
            self.name,
            self.ordering,
            "refused" if isinstance(error, RefusedError) else "ignored",
        )

    def refusal(self) -> UnavailableError | None:
        """Give what the service says where it does not offer this list to this user."""
        try:
            for _ in self.walk(OnePage(self, Ask(size=1)), None):
                break
        except UnavailableError as error:
            return error
        return None

    # Rows by the page

    @cached_property
    def typed_records(self) -> TypedRecords | None:
        """What decodes the usual records of this stream; None where nothing does."""
        return TypedTable.of(self.columns)

    @property
    def has_rows(self) -> bool:
        """Whether records can be decoded straight into rows."""
        return self.typed_records is not None

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
        """Give the rows of those records of a page that are wanted."""
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
        """Give the keys of a record that have no column."""
        return record.keys() - self.columns.keys()

    def wants(self, record: Any) -> bool:  # noqa: ANN401, ARG002
        """Tell whether a record is to be sent."""
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
    """Give what is kept of keys without a column, in the order of the keys; None for nothing.

    So it is the same text, however the service orders its keys and the record was decoded.
    """
    return {key: others[key] for key in sorted(others)} or None
