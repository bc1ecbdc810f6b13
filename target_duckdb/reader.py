"""Singer messages from lines of bytes, with the number of the line for whoever has to complain."""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from itertools import groupby
from typing import IO, TYPE_CHECKING, Any, cast

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerReader, SingerMessageType

from target_duckdb.bulk import is_one_per_line, uncollected
from target_duckdb.errors import MessageError
from target_duckdb.values import exact, integer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from decimal import Decimal
    from gzip import GzipFile

_READ_SIZE = 256 << 10
"""Bytes read at once: enough records that Python counts for little, few enough for the caches."""

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
        on_records: Takes the stream, version and JSON of records that came one after another;
            returns whether it took them, or they are to be handed on one by one.
    """

    def __init__(self) -> None:
        """Start before the first line."""
        super().__init__()
        self.line_number = 0
        self.on_bad_line: Callable[[bytes, str], None] = _refuse
        self.on_records: Callable[[str, int | None, list[msgspec.Raw]], bool] = _one_by_one
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
        source = self.default_input if file_input is None else file_input
        for chunk in whole_lines(source):
            lines = io.BytesIO(chunk).readlines()
            envelopes = self._envelopes(chunk, len(lines))
            if envelopes is None:
                self._take_lines(lines, callbacks, seen)
                continue
            pairs = zip(envelopes, lines, strict=True)
            for (kind, stream, version), run in groupby(pairs, _kind_of_pair):
                taken = list(run)
                if kind == SingerMessageType.RECORD:
                    records = [envelope.record for envelope, _ in taken]
                    if self.on_records(cast("str", stream), version, records):
                        self.line_number += len(taken)
                        seen[kind] += len(taken)
                        continue
                self._take_lines([line for _, line in taken], callbacks, seen)
        return seen

    def _envelopes(self, chunk: bytes, count: int) -> list[_Envelope] | None:
        """Decode lines at once; None where one of them is not what it should be."""
        try:
            with uncollected():
                envelopes = self._decoder.decode_lines(chunk)
        except _UNREADABLE:
            return None
        if len(envelopes) != count or not is_one_per_line(chunk, count):
            return None
        return envelopes if all(map(_is_whole, envelopes)) else None

    def _take_lines(
        self,
        lines: Iterable[bytes],
        callbacks: dict[str, Callable[[dict[str, Any]], None]],
        seen: Counter[str],
    ) -> None:
        for line in lines:
            self.line_number += 1
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
            if not _is_whole(envelope):
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


def _is_whole(envelope: _Envelope) -> bool:
    """Tell whether a message has what its type needs, as far as that is looked at here."""
    return envelope.type != SingerMessageType.RECORD or (
        bool(bytes(envelope.record)) and envelope.stream is not msgspec.UNSET
    )


def _kind_of_pair(
    pair: tuple[_Envelope, bytes],
) -> tuple[str, str | msgspec.UnsetType, int | None]:
    envelope = pair[0]
    return envelope.type, envelope.stream, envelope.version


def whole_lines(source: IO[bytes] | IO[str] | GzipFile) -> Iterator[bytes]:
    """Yield what can be read of a source without waiting for more, up to the end of a line.

    Args:
        source: A file of bytes, a file of text, or anything that yields lines.
    """
    binary = getattr(source, "buffer", source)
    if not hasattr(binary, "read1"):
        for line in source:
            yield line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line
        return
    begun: list[bytes] = []
    while data := binary.read1(_READ_SIZE):
        end = data.rfind(b"\n") + 1
        if end:
            begun.append(data[:end])
            yield b"".join(begun)
            begun = [data[end:]]
        else:
            begun.append(data)
    if rest := b"".join(begun):
        yield rest


def _decode_slowly(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line, parse_float=exact, parse_int=integer)
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


def _one_by_one(_stream: str, _version: int | None, _records: list[msgspec.Raw]) -> bool:
    return False


def _refuse(_line: bytes, reason: str) -> None:
    raise MessageError(reason)
