"""The client: one script, the resource in the query string, the key in a header.

Facts are from Kananas' public documentation: `GET …/action_manager.php?event=api&request=…`
with the headers `Accept: application/json` and `token`. What a response looks like is
not public; see `response` and `schema`.
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
from tap_kananas.paginator import PageDigest, PaginationError, Paginator
from tap_kananas.resources import CONTACTS
from tap_kananas.response.body import ResponseBody, ResponseBodyError
from tap_kananas.response.more_pages import says_more
from tap_kananas.response.records_response import NoRecordsError, RecordsResponse, ResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests
    from singer_sdk.helpers.types import Context
    from singer_sdk.streams.rest import HTTPRequest

    from tap_kananas.resources import Resource
    from tap_kananas.response.handover import Handover

DEFAULT_API_URL = "https://backoffice.kananas.com/action_manager.php"

PIECE_BYTES = 256 * 1024

# A wait this long is told; shorter ones only where somebody asks for a more talkative log.
_LONG_WAIT_SECONDS = 20


class _Page(NamedTuple):
    """A response and, where there are several, the number and the digest of its records."""

    response: RecordsResponse
    records: int = 0
    digest: bytes = b""


class KananasStream(HttpStream):
    """A list of Kananas, read in one request, or page by page where the settings say how."""

    path = ""
    credential_settings = ("secret_key",)

    #: What is asked for.
    resource: Resource

    #: Where in the response the records were found.
    found_at = ""

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

    @property
    def handover(self) -> Handover | None:
        """Where discovery leaves the list for the run that follows; None where it does not."""
        return None

    def note_response(self, response: requests.Response) -> None:
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
        """Return what a user can do about a refusal: a redirect may lead to the login page."""
        if response.is_redirect:
            return (
                f": redirects are not followed; check {self.setting('secret_key')} and "
                f"{self.setting('api_url')}"
            )
        return super().advice(response)

    def backoff_handler(self, details: Any) -> None:  # noqa: ANN401 - the library's mapping
        """Log that a request is tried again, where the wait is long."""
        if details["wait"] >= _LONG_WAIT_SECONDS:
            super().backoff_handler(details)

    # Responses

    def _download(
        self, request: requests.PreparedRequest, _context: Context | None
    ) -> ResponseBody:
        """Send a request, and bring the whole body of its response to disk.

        Raises:
            RetriableAPIError: On 429 and 5xx.
            FatalAPIError: On any other refusal.
            ResponseBodyError: If the body is larger than is believed.
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
            self.note_response(response)
            progress = Progress(self.logger, self.name, "kB")
            return ResponseBody(
                _counted(response.iter_content(PIECE_BYTES), progress),
                response.headers.get("Content-Type", ""),
            )

    def fetch(self, parameters: dict[str, str]) -> ResponseBody:
        """Ask once, and as often again as the settings allow where the connection fails."""
        asked = self.get_http_request(
            page=PageContext(stream_context=None, next_page_token=parameters)
        )
        request = self.build_prepared_request(
            method=asked.method, url=asked.url, params=asked.encode_params(), headers=asked.headers
        )
        handover = self.handover
        asked_for = (str(request.url), self.config["secret_key"])
        if handover is not None and not handover.is_discovery:
            kept = handover.take(asked_for)
            if kept is not None:
                self.logger.debug("%s: the list is the one that discovery has just read", self.name)
                return ResponseBody(kept[1], kept[0])
        download = cast("Any", self.request_decorator(cast("Any", self._download)))
        body = cast("ResponseBody", download(request, None))
        if handover is not None and handover.is_discovery:
            try:
                handover.keep(asked_for, body.content_type, body.pieces())
            except OSError as error:
                setting = self.setting("discovery_folder")
                self.logger.warning(
                    "%s: the list is read twice, since it cannot be kept: %s: check %s",
                    self.name,
                    error.strerror,
                    setting,
                )
        return body

    def list_records(
        self, end_page: Callable[[], None], is_new: Callable[[dict[str, Any]], bool]
    ) -> Iterator[dict[str, Any]]:
        """Ask for the list, and yield its records.

        Args:
            end_page: Is called after the last record of each response.
            is_new: Says whether a record has not been yielded yet: it is asked of pages that are
                others on the way back.

        Raises:
            FatalAPIError: If a response is no list of records; the line says what it is, what
                may be the cause, and which setting to look at.
        """
        paginator = Paginator(self.resource.paging)
        notes: dict[str, None] = {}
        try:
            more = True
            while more:
                with self._page(paginator) as page:
                    if page is None or not paginator.is_new(page.records, page.digest):
                        break
                    more = paginator.advance(page.records, page.digest)
                    response = page.response
                    self.found_at = self.found_at or response.path.description
                    count = 0
                    for count, record in enumerate(response.records(), 1):  # noqa: B007
                        yield record
                    end_page()
                    notes.update(dict.fromkeys(response.notes))
                    if self.resource.paging is None:
                        notes.update(dict.fromkeys(self._more_pages(response, count)))
            for parameters, digest in paginator.second_pass:
                yield from filter(is_new, self._moved(parameters, digest))
                end_page()
        except (ResponseError, ResponseBodyError) as error:
            named = " and ".join(map(self._owner, getattr(error, "settings", ())))
            self._refuse(f"answered with {error}" + (f": check {named}" if named else ""), error)
        except PaginationError as error:
            self._refuse(f"{error}: check {self.setting('requests')}", error)
        for note in (*notes, *paginator.notes):
            self.logger.warning("%s: %s", self.name, note)

    def _moved(self, parameters: dict[str, str], digest: bytes) -> Iterator[dict[str, Any]]:
        """Ask for a page again, and yield its records where they are others than before."""
        with ExitStack() as stack:
            try:
                body = stack.enter_context(self.fetch(parameters))
                response = self._records_of(body)
                if _count(response)[1] == digest:
                    return
            except (UnavailableError, RefusedError, NoRecordsError):
                # The list is shorter now, and ends before this page.
                return
            yield from response.records()

    def _more_pages(self, response: RecordsResponse, records: int) -> Iterator[str]:
        """Yield what a user should know of pages that were not asked for."""
        said = says_more(response.beside, records, all_wanted=self.lower_bound is None)
        if said:
            yield (
                f"{records:,} records came, and beside them the service says {said}: there may be "
                f"more pages, for which the lists of {self.setting('requests')} have 'paging'"
            )

    def _records_of(self, body: ResponseBody) -> RecordsResponse:
        asked = self.resource
        return RecordsResponse(body, asked.request, asked.records_path, asked.primary_keys[0])

    @contextmanager
    def _page(self, paginator: Paginator) -> Iterator[_Page | None]:
        """Ask for the next page, which stays open; None where the list ended before it."""
        with ExitStack() as stack:
            try:
                body = stack.enter_context(self.fetch(paginator.parameters))
                response = self._records_of(body)
                counted = _count(response) if self.resource.paging else ()
                page = _Page(response, *counted)
            except (UnavailableError, RefusedError, NoRecordsError) as error:
                is_past_end = isinstance(error, NotFoundError) and paginator.has_begun
                if not is_past_end and not paginator.may_have_ended:
                    raise
                paginator.note_refused_page()
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


def _count(response: RecordsResponse) -> tuple[int, bytes]:
    """Count the records of a page, and give what tells them from those of another."""
    count, digest = 0, PageDigest()
    for record in response.records():
        count += 1
        digest.add(record)
    return count, digest.value
