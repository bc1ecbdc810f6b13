"""Refusals that a stream can answer to, and failures that end the run."""

from __future__ import annotations

from singer_sdk.exceptions import FatalAPIError, RetriableSyncError, SingerSDKError


class UnavailableError(FatalAPIError):
    """The service does not offer this list to this user: 403, 404, 405 or 410."""


class NotFoundError(UnavailableError):
    """There is nothing at this address: 404 or 410."""


class RefusedError(FatalAPIError):
    """The service does not take the request as it was put: 400."""


class PartialReadError(RetriableSyncError):
    """A list was read, but for a part that may be there another time."""


class BatchFileError(SingerSDKError):
    """A batch file could not be written."""
