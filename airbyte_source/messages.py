"""The messages of the Airbyte protocol, on their way out.

Names and shapes are those of the package `airbyte-protocol-models` 0.18. A message is one line
of JSON on standard output; nothing else is written there.
"""

from __future__ import annotations

import json
import traceback
from datetime import datetime
from decimal import Decimal
from time import time_ns
from typing import IO, TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airbyte_source.failures import Failure

Level = Literal["FATAL", "ERROR", "WARN", "INFO", "DEBUG"]
Status = Literal["STARTED", "RUNNING", "COMPLETE", "INCOMPLETE"]

MASK = "***"


def milliseconds_now() -> int:
    """Give the time in milliseconds since 1970, as the protocol counts it."""
    return time_ns() // 1_000_000


def _other(value: Any) -> Any:  # noqa: ANN401 - whatever JSON has no word for
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - what the careful encoder does not know
    return float(value) if isinstance(value, Decimal) else _other(value)


_encode = msgspec.json.Encoder(enc_hook=_other, decimal_format="number").encode


def encode(value: Any) -> bytes:  # noqa: ANN401 - any message, or part of one
    """Give a value as one line of UTF-8 JSON that any reader takes.

    Half a surrogate pair has no UTF-8, and strict readers refuse its escape: it becomes `?`.
    """
    try:
        return _encode(value)
    except (UnicodeEncodeError, OverflowError):
        # The careful way; JSON has no word for what `parse_constant` gets, such as NaN.
        plain = json.loads(json.dumps(value, default=_plain), parse_constant=lambda _: None)
        return json.dumps(plain, ensure_ascii=False).encode(errors="replace")


def masker(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return what puts a mask in the place of these values, where they stand as they are."""
    values = sorted(filter(None, secrets), key=len, reverse=True)

    def redacted(text: str) -> str:
        for value in values:
            text = text.replace(value, MASK)
        return text

    return redacted


class Messages:
    """Writes messages; whatever holds words for people is written without secrets."""

    def __init__(self, out: IO[bytes]) -> None:
        """Write to `out`, where each message is one call: threads do not mix their lines."""
        self._out = out
        #: Puts a mask in the place of each secret.
        self.redacted: Callable[[str], str] = str

    def _write(self, kind: str, name: str, content: Mapping[str, Any]) -> None:
        self._out.write(encode({"type": kind, name: content}) + b"\n")
        self._out.flush()

    # What a command answers

    def spec(self, specification: Mapping[str, Any]) -> None:
        """Say which settings there are."""
        self._write("SPEC", "spec", specification)

    def connection_status(self, failure: Failure | None) -> None:
        """Say whether the service can be read."""
        status: dict[str, Any] = {"status": "SUCCEEDED"}
        if failure is not None:
            status = {"status": "FAILED", "message": self.redacted(failure.message)}
        self._write("CONNECTION_STATUS", "connectionStatus", status)

    def catalog(self, streams: list[dict[str, Any]]) -> None:
        """Say which streams there are."""
        self._write("CATALOG", "catalog", {"streams": streams})

    # What a read brings

    def record(self, stream: str, data: Any, emitted_at: int) -> None:  # noqa: ANN401 - see below
        """Write a record, which is seen at the latest with the next message of another kind.

        Args:
            stream: The name of the stream.
            data: An object, or its JSON as `msgspec.Raw`.
            emitted_at: Milliseconds since 1970.
        """
        content = {"stream": stream, "data": data, "emitted_at": emitted_at}
        self._out.write(encode({"type": "RECORD", "record": content}) + b"\n")

    def state(self, stream: str, state: msgspec.Raw, records: int) -> None:
        """Say where a later read of a stream can go on.

        Args:
            stream: The name of the stream.
            state: A JSON object.
            records: How many records the stream sent since its last state.
        """
        content = {
            "type": "STREAM",
            "stream": {"stream_descriptor": {"name": stream}, "stream_state": state},
            # The protocol counts in floating point.
            "sourceStats": {"recordCount": float(records)},
        }
        self._write("STATE", "state", content)

    # What goes on

    def log(self, level: Level, message: str, stack_trace: str | None = None) -> None:
        """Pass on a line of the log."""
        content = {"level": level, "message": self.redacted(message)}
        if stack_trace is not None:
            content["stack_trace"] = self.redacted(stack_trace)
        self._write("LOG", "log", content)

    def _trace(self, kind: str, content: Mapping[str, Any]) -> None:
        trace = {"type": kind, "emitted_at": float(milliseconds_now()), kind.lower(): content}
        self._write("TRACE", "trace", trace)

    def stream_status(
        self, stream: str, status: Status, rate_limited_until: int | None = None
    ) -> None:
        """Say how far a stream is.

        Args:
            stream: The name of the stream.
            status: RUNNING also where it waits because the service asks for fewer requests.
            rate_limited_until: Until when it waits, in milliseconds since 1970.
        """
        content: dict[str, Any] = {"stream_descriptor": {"name": stream}, "status": status}
        if rate_limited_until is not None:
            reset = {"quota_reset": rate_limited_until}
            content["reasons"] = [{"type": "RATE_LIMITED", "rate_limited": reset}]
        self._trace("STREAM_STATUS", content)

    def estimate(self, stream: str, rows: int) -> None:
        """Say how many records a stream is going to send."""
        self._trace("ESTIMATE", {"name": stream, "type": "STREAM", "row_estimate": rows})

    def error(self, failure: Failure, stream: str | None = None) -> None:
        """Say what failed, and of which stream."""
        error = failure.error
        content: dict[str, Any] = {
            "message": self.redacted(failure.message),
            "internal_message": self.redacted(f"{type(error).__name__}: {error}"),
            "stack_trace": self.redacted("".join(traceback.format_exception(error))),
            "failure_type": failure.kind,
        }
        if stream is not None:
            content["stream_descriptor"] = {"name": stream}
        self._trace("ERROR", content)
