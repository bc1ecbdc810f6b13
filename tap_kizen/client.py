"""How Kizen is asked: credentials, pages, and the envelope of an answer.

Facts are from Kizen's public documentation unless said otherwise: three headers on every
request, page numbers from 1, an envelope `{previous, next, results}` with `count` on some
lists, no trailing slash on any path.
"""

from __future__ import annotations

import json
from functools import cached_property
from http import HTTPStatus
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import parse_qs, urlsplit

import msgspec
from singer_sdk.authenticators import APIAuthenticatorBase
from singer_sdk.exceptions import FatalAPIError

from rest_tap.errors import UnavailableError
from rest_tap.responses import decode_json, describe_body, describe_response
from rest_tap.streams import HttpStream
from tap_kizen.pagination.paginator import EndlessListError, Page, PageRequest, SinglePagePaginator
from tap_kizen.timestamps import parse_timestamp, server_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    import requests
    from singer_sdk.helpers.types import Context
    from singer_sdk.streams.rest import HTTPRequest, PageContext

    from rest_tap.progress import Part
    from tap_kizen.account import AccountTap
    from tap_kizen.pagination.paginator import Paginator

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


class KizenClient(HttpStream):
    """Asks for a list of Kizen page by page, and understands what comes."""

    credential_settings = ("api_key", "user_id", "business_id")
    optional = True

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

    _decoded: tuple[requests.Response, Page] | None = None
    _count: int | None = None
    _page_before: tuple[PageRequest, list[Any]] | None = None
    _first_page: tuple[PageRequest, list[Any]] | None = None
    _paginator: Paginator

    @property
    def kizen(self) -> AccountTap:
        """The tap, with what it knows of the account."""
        return cast("AccountTap", self._tap)

    @cached_property
    def authenticator(self) -> KizenAuthenticator:
        """The credentials from the settings."""
        return KizenAuthenticator(
            api_key=self.config["api_key"],
            user_id=self.config["user_id"],
            business_id=self.config["business_id"],
        )

    def compare_start_date(self, value: str, start_date_value: str) -> str:  # noqa: ARG002
        """Keep the bookmark as it is: `Bookmark` compares, and what it finds may be no time."""
        return value

    # Requests

    def get_new_paginator(self) -> Paginator:
        """Return the paginator that `paginate` was given."""
        return self._paginator

    def get_http_request(self, *, page: PageContext[PageRequest]) -> HTTPRequest:
        """Ask for one page. The size is always sent: the service's default is not certain."""
        request = super().get_http_request(page=page)
        ask = page.next_page_token or PageRequest()
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
    def page_token(self) -> PageRequest:
        """What the page in hand was asked for by."""
        return self._paginator.current_value

    def upcoming_page_tokens(self) -> Iterable[PageRequest]:
        """Return the requests to prefetch: what comes next, whatever the current page brings."""
        return self._paginator.upcoming()

    def pages_read(self) -> Part | None:
        """Return how many pages have been read, and how many there are, if that is known."""
        return self._paginator.pages_read()

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
        """Decode a page, once, though both the paginator and the parser ask for it.

        Raises:
            FatalAPIError: If the body is neither a page of records nor a list of them, or says that
                a part of the page is not there.
        """
        if self._decoded is None or self._decoded[0] is not response:
            service = self.kizen.service
            service.time = server_time(response) or service.time
            self._decoded = (response, self._page(response))
        return self._decoded[1]

    def _page(self, response: requests.Response) -> Page:
        if self._is_past_end(response):
            return Page(results=[], is_past_end=True, is_missing=True)
        try:
            if self.may_be_bare and response.content.lstrip()[:1] == b"[":
                page = Page(results=decode_json(response.content, self.list_type))
                self._tell_other_ids([self.key(record) for record in page.results])
                return page
            page = self.typed_page(response.content) or decode_json(
                response.content, self.page_type
            )
        except ValueError as error:
            # It names a member, and the kinds of value that it should have and has.
            is_of_shape = isinstance(error.__cause__, msgspec.ValidationError)
            message = (
                f"{self.name}: expected a JSON object with a list 'results', but "
                f"{describe_response(response)}{f' ({error})' if is_of_shape else ''}: "
                f"check {self.setting('api_url')}"
            )
            raise FatalAPIError(message) from error
        if page.errors:
            said = describe_body(json.dumps({"errors": page.errors}, default=str))
            message = f"{self.name}: {describe_response(response)}: the page is not whole: {said}"
            raise FatalAPIError(message)
        ids = [self.key(record) for record in page.results]
        self._tell_other_ids(ids)
        self._refuse_repetition(ids)
        self._count = page.count
        beyond = not page.results and page.next is None and self._paginator.current_value.page > 1
        page.is_past_end, page.is_missing = beyond, False
        return page

    def typed_page(self, body: bytes) -> Page | None:  # noqa: ARG002
        """Decode a page whose records go by the page; None where it goes the ordinary way.

        Raises:
            ValueError: If a record is no JSON object.
        """
        return None

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
        """Return the id of a record that more is asked for by.

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
            FatalAPIError: If a page has just the records of the one before, or of the first.
        """
        ask = self._paginator.current_value
        before, self._page_before = self._page_before, (ask, ids)
        if ask.page == 1:
            self._first_page = (ask, ids)
        if self._paginator.is_returning or not ids or None in ids:
            return
        # A single record may have moved on from the first page.
        first = self._first_page if len(ids) > 1 else None
        for earlier in (before, first):
            if earlier is None or earlier[1] != ids or earlier[0].page == ask.page:
                continue
            if earlier[0]._replace(page=ask.page) == ask:
                message = (
                    f"{self.name}: pages {earlier[0].page} and {ask.page} hold the same records: "
                    "the service pays no heed to the page number"
                )
                raise FatalAPIError(message)

    def parse_response(self, response: requests.Response) -> Iterable[Any]:
        """Yield the records of a page as a list, if the paginator wants them."""
        page = self.decode(response)
        if self._paginator.wants(page):
            yield page.results

    def key(self, record: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return the id of a record, as the service sent it or typed; None where it has none."""
        return record.get("id") if type(record) is dict else record.id

    def timestamp(self, record: Any, name: str) -> datetime | None:  # noqa: ANN401
        """Return a time of a record, as the service sent it or typed; None where it has none."""
        return self.timestamp_of(record, name)

    def timestamp_of(self, record: dict[str, Any], name: str) -> datetime | None:
        """Return a time of a record as the service sent it; None where none can be read."""
        value = record.get(name)
        return parse_timestamp(value) if isinstance(value, str) else None

    def paginate(self, paginator: Paginator, context: Context | None) -> Iterator[list[Any]]:
        """Yield the records of a list, page by page, repeats among them."""
        self._paginator = paginator
        self._page_before = self._first_page = None
        try:
            yield from cast("Iterable[list[Any]]", self.request_records(context))
        except EndlessListError as error:
            message = (
                f"{self.name}: the list has no end: {error}: check {self.setting('api_url')}, or "
                f"raise {self.setting('page_size')} where the list is that long"
            )
            raise FatalAPIError(message) from error

    def refusal(self) -> UnavailableError | None:
        """Return what the service says where it does not offer this list to this user."""
        try:
            for _ in self.paginate(SinglePagePaginator(self, PageRequest(size=1)), None):
                break
        except UnavailableError as error:
            return error
        return None
