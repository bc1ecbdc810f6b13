"""The one HTTP session of a tap: pooled connections, paced requests, bounded answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from singer_sdk.exceptions import FatalAPIError
from urllib3.exceptions import HTTPError

from rest_tap.http.connection import ca_bundle, explained, place_of
from rest_tap.http.rate_limiter import RateLimiter, rate_limiter_of

MAX_ANSWER_BYTES = 256 << 20
"""The longest answer that is held in memory, unpacked: 1,000 records of a quarter of a megabyte."""


class TooLargeError(FatalAPIError):
    """An answer is longer than is believed. The text is free of settings."""

    def __init__(self, response: requests.Response, limit: int) -> None:
        """Name the endpoint, and the limit in bytes."""
        method = response.request.method if response.request else "GET"
        address = urlsplit(response.url)
        super().__init__(
            f"{method} {address.hostname}{address.path} answered {response.status_code} with more "
            f"than {limit >> 20:,} MiB, unpacked"
        )


def read_at_once(response: requests.Response) -> None:
    """Read the body of an answer into memory.

    Pages of some megabytes in the pieces of 10 KB that `requests` reads cost four times the
    processor time.

    Raises:
        TooLargeError: If it is longer than `MAX_ANSWER_BYTES`; no more than that is unpacked.
        requests.RequestException: If the connection breaks, or the body cannot be unpacked.
    """
    length = response.raw.length_remaining
    is_plain = "Content-Encoding" not in response.headers
    # To name a limit costs time; an answer that says how long it is, is kept to that anyway.
    is_kept = is_plain and length is not None and length <= MAX_ANSWER_BYTES
    at_most = None if is_kept else MAX_ANSWER_BYTES + 1
    pieces, size = [], 0
    for piece in response.iter_content(at_most):
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            response.close()
            raise TooLargeError(response, MAX_ANSWER_BYTES)
        pieces.append(piece)
    # The library looks here first, and has its own words for a connection that breaks.
    response._content = b"".join(pieces)  # noqa: SLF001


class OwnAdapter(HTTPAdapter):
    """Sends requests, retries and probes alike, no faster than a pace lets it.

    Answers that are not asked for as a stream are read whole, at once.
    """

    def __init__(self, pace: RateLimiter | None) -> None:
        """Keep the given pace, if there is one."""
        super().__init__()
        self._rate_limiter = pace

    def send(
        self,
        request: requests.PreparedRequest,
        *args: Any,  # noqa: ANN401 - the library's own arguments
        **kwargs: Any,  # noqa: ANN401
    ) -> requests.Response:
        """Wait until the request may leave, then send it.

        Raises:
            WrongAddressError: If a setting or the environment has to change.
            requests.RequestException: If the request fails otherwise.
        """
        if self._rate_limiter is not None:
            self._rate_limiter.wait()
        try:
            response = super().send(request, *args, **kwargs)
            if not kwargs.get("stream"):
                read_at_once(response)
        except (OSError, HTTPError) as error:
            raise explained(error, request) from error
        return response


class OwnSession(requests.Session):
    """A session that follows no redirect: the credentials in its headers belong to one host."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - overrides
        """Leave the address in a redirect unread: it may be none, which is no failure of ours."""
        return None


def new_session(api_url: str, requests_per_second: int | None) -> requests.Session:
    """Return a session whose requests are paced and whose answers have a limit.

    Args:
        api_url: The address of the service.
        requests_per_second: How many requests the service allows in any second; None sets no limit.
    """
    session = OwnSession()
    session.verify = ca_bundle()
    pace = None
    if requests_per_second is not None:
        pace = rate_limiter_of(place_of(api_url), requests_per_second)
    for scheme in ("https://", "http://"):
        session.mount(scheme, OwnAdapter(pace))
    return session
