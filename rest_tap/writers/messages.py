"""Singer messages on their way out, written fast.

The SDK's writer encodes in Python and flushes after every message; for a stream of many
small records that is half of a tap's work.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.encoding import GenericSingerWriter
from singer_sdk.singerlib.encoding.simple import Message, RecordMessage
from singer_sdk.singerlib.json import serialize_json

from rest_tap.responses import decode_json, exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO


def _other(value: Any) -> Any:  # noqa: ANN401 - whatever JSON has no word for
    return value.isoformat() if isinstance(value, datetime) else str(value)


_encoder = msgspec.json.Encoder(enc_hook=_other, decimal_format="number")
_encode = _encoder.encode
_decode = msgspec.json.Decoder(float_hook=exact).decode


def encode(value: Any) -> bytes:  # noqa: ANN401 - any JSON value, moments and decimals among them
    """Return a value as one line of JSON, in UTF-8."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8, but JSON has a way to write it.
        return serialize_json(value).encode()


def encode_lines(values: Sequence[Any]) -> bytes:
    """Return values as JSON, each on a line that ends with a line break.

    Parts of them may be `msgspec.Raw`: JSON as a service sent it, perhaps over several lines.
    """
    try:
        lines = _encoder.encode_lines(values)
    except UnicodeEncodeError:
        pass
    else:
        if lines.count(b"\n") == len(values) and b"\r" not in lines:
            return lines
    return b"".join(map(_line, values))


def _line(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    line = encode(value)
    if b"\n" in line or b"\r" in line:
        line = encode(_anew(line))
    return line + b"\n"


def _anew(line: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read a value again, without the white space that stood between its parts."""
    try:
        return _decode(line)
    except msgspec.DecodeError:
        # An integer of hundreds of digits.
        return decode_json(line, dict[str, Any])


class BufferedWriter(GenericSingerWriter[bytes, Message]):
    """Writes messages as UTF-8, and flushes after each that is no record.

    What was not flushed when a tap is killed is no loss: a state never counts it.
    """

    def serialize_message(self, message: Message) -> bytes:
        """Return a message as JSON."""
        return encode(message.to_dict())

    def write_records(self, message: RecordMessage, records: Sequence[Any]) -> None:
        """Write the messages of many records.

        Args:
            message: What their messages say, but for the record.
            records: Values that JSON has, moments and `msgspec.Raw` among them.
        """
        around = message.to_dict()
        _write(sys.stdout, encode_lines([{**around, "record": record} for record in records]))

    def write_message(self, message: Message) -> None:
        """Write a message to standard output."""
        _write(sys.stdout, self.format_message(message) + b"\n")
        if not isinstance(message, RecordMessage):
            sys.stdout.flush()


def _write(out: TextIO, line: bytes) -> None:
    """Write bytes past the encoding of the stream, which need not be UTF-8."""
    if hasattr(out, "buffer"):
        out.buffer.write(line)
    else:
        out.write(line.decode())
