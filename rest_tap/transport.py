"""The one HTTP session of a tap: pooled connections, paced requests."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from rest_tap.pace import Pace, pace_of


class PacedAdapter(HTTPAdapter):
    """Sends requests, retries and probes alike, no faster than a pace lets it.

    Answers that are not asked for as a stream are read whole, at once: pages of some megabytes
    in the pieces of 10 KB that `requests` reads cost four times the processor time.
    """

    def __init__(self, pace: Pace) -> None:
        """Keep the given pace."""
        super().__init__()
        self._pace = pace

    def send(
        self,
        request: requests.PreparedRequest,
        *args: Any,  # noqa: ANN401 - the library's own arguments
        **kwargs: Any,  # noqa: ANN401
    ) -> requests.Response:
        """Wait until the request may leave, then send it."""
        self._pace.wait()
        response = super().send(request, *args, **kwargs)
        if not kwargs.get("stream"):
            # The library looks here first, and has its own words for a connection that breaks.
            response._content = b"".join(response.iter_content(None))  # noqa: SLF001
        return response


def new_session(api_url: str, requests_per_second: int | None) -> requests.Session:
    """Give a session whose requests are paced.

    Args:
        api_url: The address of the service.
        requests_per_second: How many requests the service allows in any second; None sets no limit.
    """
    session = requests.Session()
    if requests_per_second is not None:
        pace = pace_of(urlsplit(api_url).netloc, requests_per_second)
        for scheme in ("https://", "http://"):
            session.mount(scheme, PacedAdapter(pace))
    return session
