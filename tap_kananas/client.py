"""How Kananas is asked: one script, the resource in the query string, the key in a header.

Facts are from Kananas' public documentation: `GET …/action_manager.php?event=api&request=…`
with the headers `Accept: application/json` and `token`. What an answer looks like is not
public; see `answer`, `envelope` and `discovery`.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast
from urllib.parse import urlsplit

from singer_sdk.authenticators import APIKeyAuthenticator
from singer_sdk.exceptions import FatalAPIError
from singer_sdk.streams.rest import PageContext

from rest_tap.errors import NotFoundError, RefusedError, UnavailableError
from rest_tap.progress import Progress
from rest_tap.streams import HttpStream
from rest_tap.transport import read_at_once
from tap_kananas.answer import Answer, AnswerError, NoListError
from tap_kananas.body import Body, BodyError
from tap_kananas.paging import PageDigest, PagingError, Walk
from tap_kananas.resources import CONTACTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests
    from singer_sdk.helpers.types import Context
    from singer_sdk.streams.rest import HTTPRequest

    from tap_kananas.resources import Resource

DEFAULT_API_URL = "https://backoffice.kananas.com/action_manager.php"

PIECE_BYTES = 256 * 1024

# A wait this long is told; shorter ones only where somebody asks for a more talkative log.
_LONG_WAIT_SECONDS = 20


class _Page(NamedTuple):
    """An answer, and, where there are others, how many records it has and what tells them."""

    answer: Answer
    records: int = 0
    digest: bytes = b""


class KananasStream(HttpStream):
    """A list of Kananas, read in one request, or page by page where the settings say how."""

    path = ""
    credential_settings = ("secret_key",)

    #: What is asked for.
    resource: Resource

    #: Where in the answer the records were found.
    place = ""

    @property
    def http_method(self) -> str:
        """GET, whatever happens: the API also writes, and this tap does not."""
        return "GET"

    @http_method.setter
    def http_method(self, value: str) -> None:
        """Refuse any other method."""
        message = f"the tap only reads: {value}"
        raise AttributeError(message)

    @cached_property
    def authenticator(self) -> APIKeyAuthenticator:
        """The secret key from the settings, in the header `token`."""
        return APIKeyAuthenticator(key="token", value=self.config["secret_key"])

    @property
    def lower_bound(self) -> str | None:
        """From which value of the replication key on records are wanted; None for all."""
        return None

    def answered(self, response: requests.Response) -> None:
        """Take note of a response that is a success, before its body is read."""

    def get_http_request(self, *, page: PageContext[dict[str, str]]) -> HTTPRequest:
        """Ask the script for the stream's resource."""
        request = super().get_http_request(page=page)
        request.params.update(
            {"event": "api", "request": self.resource.request, **self.resource.params}
        )
        if self.resource.replication_parameter and self.lower_bound is not None:
            request.params[self.resource.replication_parameter] = self.lower_bound
        request.params.update(page.next_page_token or {})
        return request

    def advice(self, response: requests.Response) -> str:
        """Say what a user can do about a refusal: a redirect may lead to the login page."""
        if response.is_redirect:
            return (
                f": redirects are not followed; check {self.setting('secret_key')} and "
                f"{self.setting('api_url')}"
            )
        return super().advice(response)

    def backoff_handler(self, details: Any) -> None:  # noqa: ANN401 - the library's mapping
        """Say that a request is tried again, where the wait is long enough to wonder."""
        if details["wait"] >= _LONG_WAIT_SECONDS:
            super().backoff_handler(details)

    # Answers

    def _download(self, request: requests.PreparedRequest, _context: Context | None) -> Body:
        """Send a request, and bring the whole body of its answer to disk.

        Raises:
            RetriableAPIError: On 429 and 5xx.
            FatalAPIError: On any other refusal.
            BodyError: If the body is larger than is believed.
            requests.RequestException: If the connection breaks, also within the body.
        """
        session = self.requests_session
        settings = session.merge_environment_settings(request.url, {}, True, None, None)  # noqa: FBT003
        with session.send(
            self.authenticator(request),
            timeout=self.timeout,
            allow_redirects=self.allow_redirects,
            **settings,
        ) as response:
            if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
                # What the service says about it, which is no list.
                with self.size_told():
                    read_at_once(response)
            self.validate_response(response)
            self.answered(response)
            progress = Progress(self.logger, self.name, "kB")
            return Body(
                _counted(response.iter_content(PIECE_BYTES), progress),
                response.headers.get("Content-Type", ""),
            )

    def fetch(self, parameters: dict[str, str]) -> Body:
        """Ask once, and as often again as the settings allow where the connection fails."""
        asked = self.get_http_request(
            page=PageContext(stream_context=None, next_page_token=parameters)
        )
        request = self.build_prepared_request(
            method=asked.method, url=asked.url, params=asked.encode_params(), headers=asked.headers
        )
        download = cast("Any", self.request_decorator(cast("Any", self._download)))
        return cast("Body", download(request, None))

    def ask(self, end_page: Callable[[], None]) -> Iterator[dict[str, Any]]:
        """Ask for the list, and yield its records.

        Args:
            end_page: Is called after the last record of each answer.

        Raises:
            FatalAPIError: If an answer is no list of records; the line says what it is, what
                may be the cause, and which setting to look at.
        """
        walk = Walk(self.resource.paging)
        notes: dict[str, None] = {}
        try:
            more = True
            while more:
                with self._page(walk) as page:
                    if page is None or not walk.is_new(page.records, page.digest):
                        break
                    more = walk.go_on(page.records, page.digest)
                    answer = page.answer
                    self.place = self.place or answer.place.words
                    yield from answer.records()
                    end_page()
                    notes.update(dict.fromkeys(answer.notes))
        except (AnswerError, BodyError) as error:
            named = " and ".join(map(self._owner, getattr(error, "settings", ())))
            self._refuse(f"answered with {error}" + (f": check {named}" if named else ""), error)
        except PagingError as error:
            self._refuse(f"{error}: check {self.setting('requests')}", error)
        for note in (*notes, *walk.notes):
            self.logger.warning("%s: %s", self.name, note)

    @contextmanager
    def _page(self, walk: Walk) -> Iterator[_Page | None]:
        """Ask for the next page, which stays open; None where the list ended before it."""
        with ExitStack() as stack:
            try:
                body = stack.enter_context(self.fetch(walk.parameters))
                asked = self.resource
                answer = Answer(body, asked.request, asked.records_path, asked.primary_keys[0])
                page = _Page(answer, *_count(answer)) if asked.paging else _Page(answer)
            except (UnavailableError, RefusedError, NoListError) as error:
                is_past_end = isinstance(error, NotFoundError) and walk.has_begun
                if not is_past_end and not walk.may_have_ended:
                    raise
                walk.end()
                page = None
            yield page

    def _owner(self, setting: str) -> str:
        """Name a setting; what is told of contacts at the top is told of other lists within."""
        own = setting == "records_path" and self.name != CONTACTS
        return self.setting("requests" if own else setting)

    def _refuse(self, words: str, cause: Exception) -> NoReturn:
        address = urlsplit(self.url_base)
        message = f"{self.name}: GET {address.hostname}{address.path} {words}"
        raise FatalAPIError(message) from cause


def _counted(pieces: Iterator[bytes], progress: Progress) -> Iterator[bytes]:
    for piece in pieces:
        progress.count(len(piece) // 1000)
        yield piece


def _count(answer: Answer) -> tuple[int, bytes]:
    """Count the records of a page, and give what tells them from those of another."""
    count, digest = 0, PageDigest()
    for record in answer.records():
        count += 1
        digest.see(record)
    return count, digest.value
