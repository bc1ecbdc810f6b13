"""Singer messages from lines of bytes, with the number of the line for whoever has to complain."""

from __future__ import annotations

import json
import sys
from collections import Counter
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, cast

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerReader, SingerMessageType

from target_duckdb.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Envelope(msgspec.Struct, gc=False):
    """A message without its insides, which stay the bytes they are."""

    type: str
    stream: str | msgspec.UnsetType = msgspec.UNSET
    record: msgspec.Raw = msgspec.Raw(b"")
    value: msgspec.Raw = msgspec.Raw(b"")
    version: int | None = None
    time_extracted: str | None = None


class LineReader(GenericSingerReader[bytes]):
    """Reads messages one by one.

    A RECORD message carries its record, and a STATE message its value, as the JSON they came as
    (`msgspec.Raw`); all other messages are decoded.

    Attributes:
        line_number: Number of the line being read, from 1.
        on_bad_line: Takes a line that is no message and what is wrong with it.
    """

    def __init__(self) -> None:
        """Start before the first line."""
        super().__init__()
        self.line_number = 0
        self.on_bad_line: Callable[[bytes, str], None] = _refuse
        self._decoder = msgspec.json.Decoder(_Envelope)

    @property
    def default_input(self) -> IO[bytes]:
        """Standard input, as bytes."""
        return sys.stdin.buffer

    def process_lines(
        self,
        file_input: IO[bytes] | None,
        callbacks: dict[str, Callable[[dict[str, Any]], None]],
    ) -> Counter[str]:
        """Read all messages and hand each to the callback of its type.

        Args:
            file_input: Lines, as bytes or text; standard input if None.
            callbacks: What takes messages, by type.

        Returns:
            Number of messages by type.
        """
        seen: Counter[str] = Counter()
        lines = self.default_input if file_input is None else file_input
        for number, line in enumerate(_as_bytes(lines), start=1):
            self.line_number = number
            if line.isspace():
                continue
            try:
                message = self.deserialize_json(line)
            except MessageError as error:
                self.on_bad_line(line, str(error))
                continue
            callback = callbacks.get(message["type"])
            if callback is None:
                self.on_bad_line(line, f"unknown message type {message['type']!r}")
                continue
            callback(message)
            seen[message["type"]] += 1
        return seen

    def deserialize_json(self, line: bytes) -> dict[str, Any]:
        """Decode one message.

        Raises:
            MessageError: The line is no JSON object with a type.
        """
        try:
            envelope = self._decoder.decode(line)
        except _UNREADABLE:
            return _decode_slowly(line)
        if envelope.type == SingerMessageType.RECORD:
            if not bytes(envelope.record) or envelope.stream is msgspec.UNSET:
                reason = "a RECORD message needs 'stream' and 'record'"
                raise MessageError(reason)
            return {
                "type": envelope.type,
                "stream": envelope.stream,
                "record": envelope.record,
                "version": envelope.version,
                "time_extracted": envelope.time_extracted,
            }
        if envelope.type == SingerMessageType.STATE:
            return {"type": envelope.type, "value": envelope.value}
        return _decode_slowly(line)


def _as_bytes(lines: Iterable[bytes] | Iterable[str]) -> Iterable[bytes]:
    binary = getattr(lines, "buffer", None)
    if binary is not None:
        return cast("Iterable[bytes]", binary)
    return (
        line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line for line in lines
    )


def _decode_slowly(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line, parse_float=Decimal)
    except ValueError as error:
        # The decoder's own message may quote the line, which may be personal data.
        at = f" (column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        reason = f"the line is not JSON{at}"
        raise MessageError(reason) from None
    except RecursionError:
        reason = "the line is nested too deeply"
        raise MessageError(reason) from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        reason = "the line is no Singer message: it has no 'type'"
        raise MessageError(reason)
    if message["type"] == SingerMessageType.STATE and "value" in message:
        message["value"] = msgspec.Raw(_state_text(message["value"]))
    return message


def _state_text(value: object) -> bytes:
    return json.dumps(value, default=_number).encode()


def _number(value: object) -> float:
    return float(cast("Decimal", value))


def _refuse(_line: bytes, reason: str) -> None:
    raise MessageError(reason)
