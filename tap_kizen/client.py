"""How Kizen is asked: credentials, pages, and the envelope of an answer.

Facts are from Kizen's public documentation unless said otherwise: three headers on every
request, page numbers from 1, an envelope `{previous, next, results}` whose `next` is null
on the last page, no trailing slash on any path.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.authenticators import APIAuthenticatorBase
from singer_sdk.exceptions import FatalAPIError
from singer_sdk.pagination import PageNumberPaginator

from rest_tap.answers import decode_json, describe_answer
from rest_tap.streams import HttpStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import requests
    from singer_sdk.streams.rest import HTTPRequest, PageContext

DEFAULT_API_URL = "https://app.go.kizen.com/api"
MAX_PAGE_SIZE = 1000


class Page(msgspec.Struct):
    """One page of a list.

    `next` is an absolute address or null. It only tells whether there is another page: it
    is never followed, so that no answer can lead the credentials to another host.
    """

    results: list[dict[str, Any]]
    next: str | None = None


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


class KizenPaginator(PageNumberPaginator):
    """Counts pages from 1 until `next` is null."""

    def __init__(self, stream: KizenStream) -> None:
        """Read the pages of the given stream."""
        super().__init__(start_value=1)
        self._stream = stream

    def has_more(self, response: requests.Response) -> bool:
        """Tell whether the service says that another page follows."""
        return self._stream.decode(response).next is not None

    def continue_if_empty(self, response: requests.Response) -> bool:
        """Go on after an empty page: permissions can hide every record of a page."""
        return self.has_more(response)


class KizenStream(HttpStream):
    """A list of Kizen, read page by page."""

    credential_settings = ("api_key", "user_id", "business_id")

    _decoded: tuple[requests.Response, Page] | None = None

    @cached_property
    def authenticator(self) -> KizenAuthenticator:
        """The credentials from the settings."""
        return KizenAuthenticator(
            api_key=self.config["api_key"],
            user_id=self.config["user_id"],
            business_id=self.config["business_id"],
        )

    def get_new_paginator(self) -> KizenPaginator:
        """Start at the first page."""
        return KizenPaginator(self)

    def get_http_request(self, *, page: PageContext[int]) -> HTTPRequest:
        """Ask for one page. The size is always sent: the service's default is not certain."""
        request = super().get_http_request(page=page)
        request.params["page"] = page.next_page_token
        request.params["page_size"] = self.config["page_size"]
        return request

    def decode(self, response: requests.Response) -> Page:
        """Decode a page, once, though both the paginator and the parser ask for it.

        Raises:
            FatalAPIError: If the body is no page of records.
        """
        if self._decoded is None or self._decoded[0] is not response:
            try:
                page = decode_json(response.content, Page)
            except ValueError as error:
                message = (
                    f"{self.name}: expected a JSON object with a list 'results', but "
                    f"{describe_answer(response)}: check {self.setting('api_url')}"
                )
                raise FatalAPIError(message) from error
            self._decoded = (response, page)
        return self._decoded[1]

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """Yield the records of a page."""
        yield from self.decode(response).results

    @cached_property
    def known_columns(self) -> frozenset[str]:
        """The columns the schema declares."""
        return frozenset(self.schema["properties"])

    def keep_unknown(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Gather the keys no schema declares under `additional_fields`, so that none is lost.

        Args:
            record: A record as the service sent it.

        Returns:
            The record with declared columns only; `additional_fields` is null where the
            record has no other key.
        """
        known = {key: value for key, value in record.items() if key in self.known_columns}
        unknown = {key: value for key, value in record.items() if key not in self.known_columns}
        known["additional_fields"] = unknown or None
        return known
