"""A stream over HTTP: how it asks, retries, and tells what went wrong."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from importlib.metadata import version
from time import time
from typing import TYPE_CHECKING, Any, cast

from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams import RESTStream

from rest_tap.answers import describe_answer
from rest_tap.errors import PartialReadError, RefusedError, UnavailableError
from rest_tap.progress import Progress
from rest_tap.settings import DEFAULT_REQUEST_TIMEOUT_SECONDS, DEFAULT_REQUEST_TRIES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    import requests
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig, SDKBatchMessage
    from singer_sdk.helpers.types import Context

    from rest_tap.tap import RestTap

UNAVAILABLE = frozenset(
    {
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.GONE,
    }
)

MAX_WAIT_SECONDS = 120.0


def retry_after_seconds(value: str | None) -> float | None:
    """Read a `Retry-After` header: seconds, or an HTTP date (RFC 9110, section 10.2.3).

    Returns:
        Seconds to wait, at least 0; None where the header is absent or unreadable.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time()
        except ValueError:
            return None
    return max(0.0, seconds)


class HttpStream(RESTStream[Any]):
    """A stream read over HTTP, with the manners both taps share.

    * Redirects are not followed: the credentials in the headers belong to one host.
    * Broken connections, 429 and 5xx are tried again, after `Retry-After` where it is sent,
      else with exponential backoff and jitter.
    * All streams of a tap share one session, and so its connections and its pace.
    * After a complete read of a whole table, and only then, ACTIVATE_VERSION tells the
      loader which rows are current.
    """

    allow_redirects = False

    #: Whether the run goes on, with a warning, where the service does not offer this list.
    optional = False

    #: Whether a read that took a few seconds only needs no line at its end.
    is_quiet = False

    #: Whether the running read left something out.
    _has_gaps = False

    #: Why the last read left something out, though it went through; None where it was whole.
    shortfall: Exception | None = None

    #: The version to be announced once the last batch is written.
    _due_version: int | None = None

    #: What the run made of this stream, for the summary at its end.
    _outcome: str | None = None

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
        return int(self.config.get("request_timeout", DEFAULT_REQUEST_TIMEOUT_SECONDS))

    def validate_response(self, response: requests.Response) -> None:
        """Refuse an answer that is not a success.

        Raises:
            RetriableAPIError: On 429 and 5xx.
            UnavailableError: On 403, 404, 405 and 410.
            RefusedError: On 400.
            FatalAPIError: On anything else that is not 2xx; 401 names the settings that
                hold the credentials.
        """
        status = response.status_code
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        line = f"{self.name}: {describe_answer(response)}"
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RetriableAPIError(line, response)
        line += self.advice(response)
        if status in UNAVAILABLE:
            raise UnavailableError(line)
        if status == HTTPStatus.BAD_REQUEST:
            raise RefusedError(line)
        raise FatalAPIError(line)

    def advice(self, response: requests.Response) -> str:
        """Say what a user can do about a refusal; begins with `: ` or is empty."""
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
                asked = retry_after_seconds(error.response.headers.get("Retry-After"))
            # Jitter is no secret.
            own = random.uniform(0.5, 1.0) * 2**tries  # noqa: S311
            error = yield min(own if asked is None else asked, MAX_WAIT_SECONDS)
            tries += 1

    def backoff_jitter(self, value: float) -> float:
        """Leave the wait as it is: the generator has put its jitter in."""
        return value

    def backoff_handler(self, details: Any) -> None:  # noqa: ANN401 - the library's mapping
        """Say that, and why, a request is tried again."""
        error = details.get("exception")
        reason = str(error) if isinstance(error, RetriableAPIError) else type(error).__name__
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

    # Whole tables

    @property
    def started_at(self) -> int:
        """When the run began, in milliseconds since 1970."""
        return self._initialized_at

    @property
    def emit_activate_version_messages(self) -> bool:
        """Keep the SDK from announcing a version before the table has been read."""
        return False

    @property
    def sends_versions(self) -> bool:
        """Whether the loader is to learn which rows vanished."""
        return bool(self.config.get("emit_activate_version_messages", True))

    def begin(self, context: Context | None) -> bool:  # noqa: ARG002 - for those that keep state
        """Prepare a read; set the version its records carry.

        Returns:
            Whether the read covers the whole table, so that what it does not find is gone.
        """
        whole = self.sends_versions and self.replication_method == REPLICATION_FULL_TABLE
        self._stream_version = self._initialized_at if whole else None
        return whole

    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:
        """Yield the records, with a progress line now and then.

        ACTIVATE_VERSION follows the last record of a whole table. When a read fails, is cut
        short or leaves something out, this point is never reached, and the loader keeps the
        rows it has.
        """
        self._has_gaps = False
        self.shortfall = None
        whole = self.begin(context)
        try:
            with Progress(self.logger, self.name, quiet=self.is_quiet) as progress:
                for record in self.read(context):
                    progress.count()
                    yield record
        except UnavailableError as error:
            if not self.optional:
                raise
            self.skip(str(error))
            return
        if whole and not self._has_gaps and self._stream_version is not None:
            if self.get_batch_config(self.config) is None:
                self._write_activate_version_message(self._stream_version)
            else:
                self._due_version = self._stream_version
        self.conclude(context)
        self._outcome = f"{progress.records:,} records"

    def get_batch_config(self, config: Mapping[str, Any]) -> BatchConfig | None:
        """Give how batch files are written; None where records have to be sent as messages.

        The SDK writes records to batch files as they are before columns are left out and
        stream maps applied: a column that is to be hashed or removed would be in them.
        """
        stream_map = self.stream_maps[0]
        plain = isinstance(stream_map, SameRecordTransform) and not stream_map.flattening_enabled
        if len(self.stream_maps) > 1 or not plain or not all(self.mask.values()):
            return None
        return super().get_batch_config(config)

    def _generate_batch_messages(
        self, encoding: BaseBatchFileEncoding, manifest: list[str]
    ) -> Generator[SDKBatchMessage, None, None]:
        """Yield the messages of a batch, with the version that its records carry."""
        for message in super()._generate_batch_messages(encoding, manifest):
            message.version = self._stream_version
            yield message

    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Write the batches; the last one comes after the last record, and the version after it."""
        super()._sync_batches(batch_config, context)
        version, self._due_version = self._due_version, None
        if version is not None:
            self._write_activate_version_message(version)

    def read(self, context: Context | None) -> Iterable[dict[str, Any]]:
        """Yield the records as the service sends them."""
        yield from self.request_records(context)

    def conclude(self, context: Context | None) -> None:
        """Note what a read that came to its end has reached."""

    def skip(self, reason: str) -> None:
        """Say, once, that this stream could not be read, and let the run go on."""
        self.logger.warning("skipped: %s", reason)
        self._outcome = f"skipped: {reason}"
        self.shortfall = UnavailableError(reason)

    def leave_out(self, reason: str) -> None:
        """Say that a part of this stream could not be read; no row counts as gone then."""
        self._has_gaps = True
        self.shortfall = PartialReadError(f"{self.name}: {reason}")
        self.logger.warning("%s: %s", self.name, reason)

    def log_sync_costs(self) -> None:
        """Put this stream's line into the summary, which the SDK asks for at the end."""
        if self._outcome is not None:
            self.logger.info("Summary: %s: %s", self.name, self._outcome)
