"""A stream over HTTP: how it asks, retries, and tells what went wrong."""

from __future__ import annotations

import random
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from http import HTTPStatus
from importlib.metadata import version
from math import isnan
from time import time
from typing import TYPE_CHECKING, Any, cast

import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from singer_sdk.streams.rest import PageContext

from rest_tap.errors import NotFoundError, RefusedError, UnavailableError
from rest_tap.http.connection import describe_connection_failure
from rest_tap.http.prefetch import Prefetch
from rest_tap.responses import describe_response
from rest_tap.settings import DEFAULT_REQUEST_TIMEOUT_SECONDS, DEFAULT_REQUEST_TRIES
from rest_tap.transport import TooLargeError
from rest_tap.writers.writing import WritingStream

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Iterable, Iterator

    from singer_sdk.helpers.types import Context

    from rest_tap.tap import RestTap

NOT_FOUND = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
UNAVAILABLE = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED})

MAX_WAIT_SECONDS = 120.0
# Double the wait no more often than it takes to reach that: some thousand times is no number.
_MOST_DOUBLINGS = 8

#: A time-out of more than a week is one of a week: sockets count milliseconds in 32 bits.
MAX_TIMEOUT_SECONDS = 7 * 86_400


def retry_after_seconds(value: str | None, answered_at: str | None = None) -> float | None:
    """Read a `Retry-After` header: seconds, or an HTTP date (RFC 9110, section 10.2.3).

    Args:
        value: The header.
        answered_at: The header `Date` of the same answer: a date is one of the service's clock.

    Returns:
        Seconds to wait, at least 0; None where the header is absent or unreadable.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        until = _http_date(value)
        if until is None:
            return None
        now = None if answered_at is None else _http_date(answered_at)
        seconds = until - (time() if now is None else now)
    return None if isnan(seconds) else max(0.0, seconds)


def _http_date(value: str) -> float | None:
    """Return the seconds since 1970 of an HTTP date, None for what is none."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


class HttpStream(WritingStream):
    """A stream read over HTTP, with the manners both taps share.

    * Redirects are not followed: the credentials in the headers belong to one host.
    * Broken connections, 429 and 5xx are tried again, after `Retry-After` where it is sent,
      else with exponential backoff and jitter.
    * All streams of a tap share one session, and so its connections and its pace.
    """

    allow_redirects = False

    #: The pages of the list that is being read, where it has pages.
    _prefetch: Prefetch[Any, Any] | None = None

    @property
    def requests_session(self) -> requests.Session:
        """The session of the tap."""
        return cast("RestTap", self._tap).session

    @property
    def url_base(self) -> str:
        """The address the tap was given, without a trailing slash."""
        return cast("str", self.config["api_url"]).rstrip("/")

    @cached_property
    def user_agent(self) -> str:
        """What the tap calls itself."""
        named = self.config.get("user_agent")
        return named or f"{self.tap_name}/{version('kananas-kizen-elt')}"

    @property
    def http_headers(self) -> dict[str, str]:
        """The headers of every request, without those of the authenticator."""
        return {"Accept": "application/json"}

    @property
    def timeout(self) -> int:
        """Seconds a request may wait for the service."""
        wanted = int(self.config.get("request_timeout", DEFAULT_REQUEST_TIMEOUT_SECONDS))
        return min(wanted, MAX_TIMEOUT_SECONDS)

    def send_request(
        self, prepared_request: requests.PreparedRequest, context: Context | None
    ) -> requests.Response:
        """Send a request once.

        Raises:
            FatalAPIError: If the answer is too large, besides what `validate_response` raises.
        """
        with self.size_told():
            return super().send_request(prepared_request, context)

    @contextmanager
    def size_told(self) -> Iterator[None]:
        """Say what a user can do where an answer is too large.

        Raises:
            FatalAPIError: With the name of the stream, and advice.
        """
        try:
            yield
        except TooLargeError as error:
            message = f"{self.name}: {error}: {self.advice_on_size}"
            raise FatalAPIError(message) from error

    @property
    def advice_on_size(self) -> str:
        """Say what a user can do about an answer that is too large."""
        return f"check {self.setting('api_url')}"

    def validate_response(self, response: requests.Response) -> None:
        """Refuse an answer that is not a success.

        Raises:
            RetriableAPIError: On 429 and 5xx.
            UnavailableError: On 403 and 405; as NotFoundError on 404 and 410.
            RefusedError: On 400.
            FatalAPIError: On anything else that is not 2xx; 401 names the settings that
                hold the credentials.
        """
        status = response.status_code
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        line = f"{self.name}: {describe_response(response)}"
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RetriableAPIError(line, response)
        line += self.advice(response)
        if status in NOT_FOUND:
            raise NotFoundError(line)
        if status in UNAVAILABLE:
            raise UnavailableError(line)
        if status == HTTPStatus.BAD_REQUEST:
            raise RefusedError(line)
        raise FatalAPIError(line)

    def advice(self, response: requests.Response) -> str:
        """Say what a user can do about a refusal; begins with `: ` or is empty."""
        if response.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return ": a proxy asks for a user and a password: check HTTPS_PROXY or HTTP_PROXY"
        if response.is_redirect:
            return f": redirects are not followed; check {self.setting('api_url')}"
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            names = " and ".join(self.setting(name) for name in self.credential_settings)
            return f": check {names}"
        if response.status_code == HTTPStatus.FORBIDDEN:
            return ": the API user has no permission for this"
        if response.status_code == HTTPStatus.NOT_FOUND:
            return f": check {self.setting('api_url')}"
        return ""

    #: The settings that hold the credentials, named when the service refuses them.
    credential_settings: tuple[str, ...] = ()

    def setting(self, name: str) -> str:
        """Name a setting the two ways a user can give it."""
        variable = f"{self.tap_name}_{name}".upper().replace("-", "_")
        return f"setting '{name}' ({variable})"

    # Retries

    def backoff_max_tries(self) -> int:
        """How often a request is tried in all."""
        return int(self.config.get("request_tries", DEFAULT_REQUEST_TRIES))

    def backoff_wait_generator(self) -> Generator[float, Any, None]:
        """Wait as long as the service asks, else twice as long each time, with jitter."""
        tries = 0
        error = yield 0.0
        while True:
            asked = None
            if isinstance(error, RetriableAPIError) and error.response is not None:
                headers = error.response.headers
                asked = retry_after_seconds(headers.get("Retry-After"), headers.get("Date"))
            # Jitter is no secret.
            own = random.uniform(0.5, 1.0) * 2 ** min(tries, _MOST_DOUBLINGS)  # noqa: S311
            error = yield min(own if asked is None else asked, MAX_WAIT_SECONDS)
            tries += 1

    def backoff_jitter(self, value: float) -> float:
        """Leave the wait as it is: the generator has put its jitter in."""
        return value

    def backoff_handler(self, details: Any) -> None:  # noqa: ANN401 - the library's mapping
        """Say that, and why, a request is tried again."""
        error = details.get("exception")
        reason = str(error)
        if isinstance(error, requests.RequestException):
            reason = describe_connection_failure(error)
        self.logger.warning(
            "%s: try %d of %d failed, next in %.1f s: %s",
            self.name,
            details["tries"],
            self.backoff_max_tries(),
            details["wait"],
            reason,
        )

    @property
    def expected_records(self) -> int | None:
        """How many records there are, as far as the service has said; None where it has not."""
        return None

    # Prefetch

    @property
    def page_token(self) -> Hashable:
        """What the page in hand was asked for by."""
        return None

    def upcoming_page_tokens(self) -> Iterable[Hashable]:
        """Return what will be asked for after the page in hand, whatever that page brings."""
        return ()

    def request_records(self, context: Context | None) -> Iterable[dict[str, Any]]:
        """Request records page by page, `concurrent_requests` pages at a time at most."""
        window = int(self.config.get("concurrent_requests", 1))
        with Prefetch[Any, Any](window) as self._prefetch:
            yield from super().request_records(context)

    def request_decorator(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Have a request tried again where that may help, and the next ones sent meanwhile."""
        prefetch = self._prefetch

        def attempt(request: requests.PreparedRequest, context: Context | None) -> Any:  # noqa: ANN401
            if prefetch is not None:
                prefetch.check()
            try:
                return func(request, context)
            except requests.RequestException as error:
                # One that breaks within a body does not say what was asked for.
                error.request = error.request or request
                raise

        if prefetch is None:
            return super().request_decorator(attempt)
        send = super().request_decorator(attempt)

        def take(request: requests.PreparedRequest, context: Context | None) -> Any:  # noqa: ANN401
            current = self.page_token

            def prepare(token: Hashable) -> Callable[[], Any]:
                # Not in the thread that sends it: this changes the session.
                prepared = request if token == current else self._request_for(token, context)
                return partial(send, prepared, context)

            return prefetch.take(current, self.upcoming_page_tokens(), prepare)

        return take

    def _request_for(self, token: Hashable, context: Context | None) -> requests.PreparedRequest:
        asked = self.get_http_request(page=PageContext(context, token))
        body = {"json" if self.payload_as_json else "data": asked.data}
        return self.build_prepared_request(
            method=asked.method,
            url=asked.url,
            params=asked.encode_params(),
            headers=asked.headers,
            **body,
        )
