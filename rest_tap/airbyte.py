"""What the streams of both taps can tell an Airbyte source about themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from rest_tap.http.connection import describe_connection_failure
from rest_tap.secrets import Redactor
from rest_tap.streams import HttpStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from singer_sdk import Stream


def describe(error: Exception) -> str | None:
    """Put a failure below HTTP into words that name the setting to look at."""
    if isinstance(error, requests.RequestException):
        return describe_connection_failure(error)
    return None


def estimate(stream: Stream) -> int | None:
    """Return how many records the service said there are, where it did."""
    return stream.expected_records if isinstance(stream, HttpStream) else None


def shortfall(stream: Stream) -> Exception | None:
    """Return why the last read of a stream left something out."""
    return stream.shortfall if isinstance(stream, HttpStream) else None


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return what hides secrets, also those that are spelled otherwise or cut."""
    return Redactor(sorted(filter(None, secrets), key=len, reverse=True)).redact
