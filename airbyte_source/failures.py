"""Who can mend a failure: the user, the passing of time, or nobody but a developer.

The protocol tells the three apart, and the platform acts on it: it asks the user about a
`config_error`, and tries again after a `transient_error` or a `system_error`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import requests
from singer_sdk.exceptions import (
    ConfigurationError,
    ConfigValidationError,
    DiscoveryError,
    FatalAPIError,
    RetriableSyncError,
    TapStreamConnectionFailure,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["config_error", "transient_error", "system_error"]

# By the first that fits. SDK taps raise FatalAPIError for what a service refuses (4xx).
_KINDS: tuple[tuple[type[Exception], Kind], ...] = (
    (ConfigurationError, "config_error"),
    (DiscoveryError, "config_error"),
    (FatalAPIError, "config_error"),
    (requests.exceptions.SSLError, "config_error"),
    (requests.exceptions.InvalidURL, "config_error"),
    (requests.exceptions.MissingSchema, "config_error"),
    (requests.exceptions.InvalidSchema, "config_error"),
    (requests.RequestException, "transient_error"),
    (RetriableSyncError, "transient_error"),
    (TapStreamConnectionFailure, "transient_error"),
    (ConnectionError, "transient_error"),
    (TimeoutError, "transient_error"),
)


@dataclass(frozen=True)
class Failure:
    """A failure in the words of the protocol.

    Attributes:
        kind: Who can mend it.
        message: One line for the user.
        error: What was raised.
    """

    kind: Kind
    message: str
    error: Exception


def kind_of(error: Exception) -> Kind:
    """Tell who can mend what was raised."""
    return next((kind for cause, kind in _KINDS if isinstance(error, cause)), "system_error")


def explain(error: Exception, describe: Callable[[Exception], str | None]) -> Failure:
    """Put what was raised into the words of the protocol.

    Args:
        error: What was raised.
        describe: Gives better words than the exception's own, or None.
    """
    kind = kind_of(error)
    words = describe(error)
    if words is None and isinstance(error, ConfigValidationError):
        words = "; ".join(error.errors)
    if words is None and kind == "system_error":
        # Its own words may quote data; they go where developers look.
        words = f"unforeseen: {type(error).__name__}. The log has the details."
    return Failure(kind, words or str(error) or type(error).__name__, error)
