"""How Kananas is asked: one script, the resource in the query string, the key in a header.

Facts are from Kananas' public documentation: `GET …/action_manager.php?event=api&request=…`
with the headers `Accept: application/json` and `token`. What an answer looks like is not
public; see `envelope` and `discovery`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.authenticators import APIKeyAuthenticator
from singer_sdk.exceptions import FatalAPIError
from singer_sdk.pagination import SinglePagePaginator

from rest_tap.answers import decode_json, describe_answer, is_html
from rest_tap.streams import HttpStream
from tap_kananas.envelope import EnvelopeError, find_records, records_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.streams.rest import HTTPRequest, PageContext

    from tap_kananas.envelope import Found

DEFAULT_API_URL = "https://backoffice.kananas.com/action_manager.php"


class KananasStream(HttpStream):
    """A list of Kananas, read in one request: paging is not public, and none is sent."""

    path = ""
    credential_settings = ("secret_key",)

    #: The value of `request` in the query string.
    request: str

    @cached_property
    def authenticator(self) -> APIKeyAuthenticator:
        """The secret key from the settings, in the header `token`."""
        return APIKeyAuthenticator(key="token", value=self.config["secret_key"])

    def get_new_paginator(self) -> SinglePagePaginator:
        """Read a single answer."""
        return SinglePagePaginator()

    def get_http_request(self, *, page: PageContext[None]) -> HTTPRequest:
        """Ask the script for the stream's resource."""
        request = super().get_http_request(page=page)
        request.params.update({"event": "api", "request": self.request})
        return request

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """Yield the records of an answer.

        Raises:
            FatalAPIError: If the answer is a web page, no JSON, or JSON without records.
        """
        yield from self.find(response).records

    def find(self, response: requests.Response) -> Found:
        """Find the records in an answer; see `parse_response` for the errors."""
        if is_html(response.text):
            # The same host serves the login page, with status 200.
            message = (
                f"{self.name}: {describe_answer(response)}, where JSON was due: check "
                f"{self.setting('secret_key')} and {self.setting('api_url')}"
            )
            raise FatalAPIError(message)
        try:
            answer: Any = decode_json(response.content, object)
        except ValueError as error:
            message = f"{self.name}: {describe_answer(response)}, where JSON was due"
            raise FatalAPIError(message) from error
        key_column = self.config["primary_keys"][0]
        path = self.config.get("records_path")
        try:
            found = (
                records_at(answer, path, key_column) if path else find_records(answer, key_column)
            )
        except EnvelopeError as error:
            message = (
                f"{self.name}: {describe_answer(response)}: {error}; "
                f"{self.setting('records_path')} says where the records are"
            )
            raise FatalAPIError(message) from error
        self.logger.info(
            "%s: %d records found at '%s'%s",
            self.name,
            len(found.records),
            found.path,
            " (an object keyed by id)" if found.keyed else "",
        )
        return found
