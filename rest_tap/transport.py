"""The one HTTP session of a tap: pooled connections, paced requests."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests
from pyrate_limiter import InMemoryBucket, Limiter, Rate
from requests.adapters import HTTPAdapter

MILLISECONDS = 1000


@cache
def limiter_for(host: str, requests_per_second: float) -> Limiter:  # noqa: ARG001 - the cache's key
    """Give the limiter of a service, the same to all that ask in this process.

    Requests are spread evenly rather than counted per second. A client that may send its
    whole allowance at once breaks the limit of a server that looks at any second: the last
    burst may arrive late and the next one early. Evenly spread, a late request costs one.

    Args:
        host: Host and port of the service.
        requests_per_second: How many requests the service allows in any second, more than 0. They
            leave more than this share of a second apart, in whole milliseconds: 41 for 25.
    """
    # The library counts both ends of an interval, and so waits one more millisecond.
    interval = max(1, int(MILLISECONDS / requests_per_second))
    # Its own margin comes on top of every wait, and would halve the rate.
    return Limiter(InMemoryBucket([Rate(1, interval)]), buffer_ms=0)


class PacedAdapter(HTTPAdapter):
    """Sends requests, retries and probes alike, no faster than a limiter lets it.

    Answers that are not asked for as a stream are read whole, at once: pages of some megabytes
    in the pieces of 10 KB that `requests` reads cost four times the processor time.
    """

    def __init__(self, limiter: Limiter) -> None:
        """Wait for the given limiter before each request."""
        super().__init__()
        self._limiter = limiter
        self._turn = Lock()

    def send(
        self,
        request: requests.PreparedRequest,
        *args: Any,  # noqa: ANN401 - the library's own arguments
        **kwargs: Any,  # noqa: ANN401
    ) -> requests.Response:
        """Wait for the limiter, then send."""
        # One waits for the limiter and the others for their turn: the limiter lets whom it likes
        # pass first, and the page that is needed next would come last.
        with self._turn:
            self._limiter.try_acquire("request")
        response = super().send(request, *args, **kwargs)
        if not kwargs.get("stream"):
            # The library looks here first, and has its own words for a connection that breaks.
            response._content = b"".join(response.iter_content(None))  # noqa: SLF001
        return response


def new_session(api_url: str, requests_per_second: float | None) -> requests.Session:
    """Give a session whose requests are paced.

    Args:
        api_url: The address of the service.
        requests_per_second: How many requests the service allows in any second; None sets no limit.
    """
    session = requests.Session()
    if requests_per_second is not None:
        limiter = limiter_for(urlsplit(api_url).netloc, requests_per_second)
        for scheme in ("https://", "http://"):
            session.mount(scheme, PacedAdapter(limiter))
    return session
