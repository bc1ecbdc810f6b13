"""Singer messages from lines of bytes.

Records that come one after another arrive together, undecoded: Python then counts for little.
"""

from __future__ import annotations

import gc
import io
import json
import os
import re
import select
import signal
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from typing import IO, TYPE_CHECKING, Any, cast

import msgspec
from singer_sdk.singerlib.encoding.base import SingerMessageType

from target_duckdb.errors import InvalidValueError
from target_duckdb.message_errors import MessageError
from target_duckdb.values import as_text, exact, integer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from gzip import GzipFile

_READ_SIZE = 256 << 10
"""Bytes read at once: enough records that Python counts for little, few enough for the caches."""

LONGEST_LINE = 256 << 20
"""A longer line is refused: what has no end, such as /dev/zero, must not fill the memory."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}:]', re.DOTALL)
"""What of JSON tells how deep it is and what its members are called."""

_PIECE = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}:,]', re.DOTALL)
"""The same, and where a member ends."""

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True)
class Records:
    """RECORD messages that came one after another and differ in nothing but their records.

    Attributes:
        line: The line of the first of them; each has one.
        stream: Name of their stream.
        lines: The records as JSON, one per line.
        count: How many there are.
        version: Their table version.
        time_extracted: When they were extracted, if it was asked for.
        decoded: The only record, where `msgspec` does not read its JSON.
    """

    line: int
    stream: str
    lines: bytes
    count: int
    version: Any = None
    time_extracted: str | None = None
    decoded: Any = None


@dataclass(frozen=True)
class State:
    """A STATE message: its line, and its value as the JSON that came."""

    line: int
    value: bytes


@dataclass(frozen=True)
class Message:
    """A SCHEMA, BATCH or ACTIVATE_VERSION message: its line, type and decoded members."""

    line: int
    type: str
    members: dict[str, Any]


@dataclass(frozen=True)
class BadLine:
    """A line that is no Singer message, and what is wrong with it."""

    line: int
    text: bytes
    reason: str


class _Envelope(msgspec.Struct, gc=False):
    """A message without its insides, which stay the bytes they are."""

    type: str
    stream: str | msgspec.UnsetType = msgspec.UNSET
    record: msgspec.Raw = msgspec.Raw(b"")
    value: msgspec.Raw = msgspec.Raw(b"")
    version: int | None = None
    time_extracted: str | None = None


_DECODER = msgspec.json.Decoder(_Envelope)


def read_messages(
    source: IO[bytes] | IO[str], *, with_times: bool
) -> Iterator[Records | State | Message | BadLine]:
    """Yield the messages of a tap in order; blank lines are skipped.

    Args:
        source: Lines, as bytes or text.
        with_times: Whether the records' `time_extracted` counts.

    Raises:
        MessageError: A line is longer than any message.
    """
    before = 0
    for chunk in whole_lines(source):
        lines = io.BytesIO(chunk).readlines()
        envelopes = _envelopes(chunk, len(lines))
        if envelopes is None:
            for number, text in enumerate(lines, before + 1):
                if not text.isspace():
                    yield _message(text, number, with_times=with_times)
        else:
            at = 0
            for (kind, *_), run in groupby(envelopes, _kind_of(with_times=with_times)):
                together = list(run)
                if kind == SingerMessageType.RECORD:
                    yield _records(together, before + at + 1, with_times=with_times)
                else:
                    for place in range(at, at + len(together)):
                        yield _message(lines[place], before + place + 1, with_times=with_times)
                at += len(together)
        before += len(lines)


def _kind_of(*, with_times: bool) -> Callable[[_Envelope], tuple[Any, ...]]:
    """Return what messages have to have in common to go together."""
    if with_times:
        return lambda each: (each.type, each.stream, each.version, each.time_extracted)
    return lambda each: (each.type, each.stream, each.version)


def _envelopes(chunk: bytes, count: int) -> list[_Envelope] | None:
    """Decode lines at once; None where one of them is not what it should be."""
    if not is_one_per_line(chunk, count):
        return None
    try:
        with uncollected():
            envelopes = _DECODER.decode_lines(chunk)
    except _UNREADABLE:
        return None
    return envelopes if len(envelopes) == count and all(map(_is_whole, envelopes)) else None


def _is_whole(envelope: _Envelope) -> bool:
    """Return whether a message has what its type needs, as far as that is looked at here."""
    return envelope.type != SingerMessageType.RECORD or (
        bool(bytes(envelope.record)) and envelope.stream is not msgspec.UNSET
    )


def _records(envelopes: list[_Envelope], line: int, *, with_times: bool) -> Records:
    first = envelopes[0]
    return Records(
        line=line,
        stream=cast("str", first.stream),
        lines=b"\n".join([envelope.record for envelope in envelopes]),
        count=len(envelopes),
        version=first.version,
        time_extracted=first.time_extracted if with_times else None,
    )


def _message(text: bytes, line: int, *, with_times: bool) -> Records | State | Message | BadLine:
    """Decode one message."""
    try:
        envelope = _DECODER.decode(text)
    except _UNREADABLE:
        return _decode_slowly(text, line)
    if envelope.type == SingerMessageType.RECORD and _is_whole(envelope):
        return _records([envelope], line, with_times=with_times)
    if envelope.type == SingerMessageType.STATE:
        return State(line, bytes(envelope.value))
    return _decode_slowly(text, line)


def _decode_slowly(text: bytes, line: int) -> Records | State | Message | BadLine:
    try:
        members = json.loads(text, parse_float=exact, parse_int=integer)
    except ValueError as error:
        # The decoder's own message may quote the line, which may be personal data.
        at = f" (column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        is_text = not isinstance(error, UnicodeDecodeError)
        reason = f"the line is not JSON{at}" if is_text else "the line is not JSON: it is not UTF-8"
        reason = str(error) if isinstance(error, InvalidValueError) else reason
        return BadLine(line, text, reason)
    except RecursionError:
        name = deepest_member(text, 2)
        at = f" (at {name!r})" if name is not None else ""
        return BadLine(line, text, f"the line is nested too deeply{at}")
    return _message_of(members, text, line)


def _message_of(members: object, text: bytes, line: int) -> Records | State | Message | BadLine:
    if not isinstance(members, dict) or not isinstance(members.get("type"), str):
        return BadLine(line, text, "the line is no Singer message: it has no 'type'")
    kind = members["type"]
    if kind == SingerMessageType.RECORD:
        return _odd_record(members, text, line)
    if kind == SingerMessageType.STATE:
        return State(line, _member_text(text, "value"))
    if kind not in set(SingerMessageType):
        return BadLine(line, text, f"unknown message type {kind!r}")
    return Message(line, kind, members)


def _odd_record(members: dict[str, Any], text: bytes, line: int) -> Records | BadLine:
    """Return a record that the usual decoder refuses: Python's writes NaN and lone surrogates."""
    stream, record = members.get("stream"), members.get("record")
    if not isinstance(stream, str) or record is None:
        return BadLine(line, text, "a RECORD message needs 'stream' and 'record'")
    time = members.get("time_extracted")
    return Records(line, stream, as_text(record), 1, members.get("version"), time, record)


def deepest_member(text: bytes, level: int) -> str | None:
    """Return the name of the member whose value is nested deeper than any other's, if it has one.

    Args:
        text: JSON of any depth, which need not be whole.
        level: How many objects and arrays the member stands in.
    """
    depth = deepest = 0
    latest: bytes | None = None
    name = found = latest
    for token in _TOKEN.findall(text):
        if token in b"{[":
            depth += 1
            if depth > deepest:
                deepest, found = depth, name
        elif token in b"}]":
            depth -= 1
        elif depth == level:
            latest, name = (latest, latest) if token == b":" else (token, name)
    return None if found is None else str(json.loads(found))


def _member_text(text: bytes, name: str) -> bytes:
    """Return the value of a member of an object as it is written, the last of several, or b"".

    Args:
        text: An object that is whole.
        name: The member's name.
    """
    found, depth, begin = b"", 0, -1
    member: bytes | None = None
    latest = b""
    for match in _PIECE.finditer(text):
        token = match[0]
        if depth == 1 and token in b",}" and begin >= 0:
            if member is not None and json.loads(member) == name:
                found = text[begin : match.start()].strip()
            member, begin = None, -1
        if token in b"{[":
            depth += 1
        elif token in b"}]":
            depth -= 1
        elif depth == 1 and token == b":":
            member, begin = latest, match.end()
        elif token not in b",:":
            latest = token
    return found


def is_one_per_line(lines: bytes, count: int) -> bool:
    """Return whether lines that are so many objects hold one whole object each.

    `msgspec` takes any white space between values for the end of a line.
    """
    breaks = lines.count(b"\n") - lines.endswith(b"\n")
    # Inside an object a bracket that closes never stands right before one that opens.
    return breaks == count - 1 == lines.count(b"}\n{")


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from looking through what is about to be decoded, again and again.

    JSON makes no cycles.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _interruptible(source: IO[bytes]) -> Iterator[Callable[[], None]]:
    """Give a function that waits until there is something to read, or a signal to handle.

    Python's handlers run in the main thread. Where the system gives a signal to another thread, or
    right before a read begins, that read would go on until there is input.
    """
    number = -1
    with suppress(AttributeError, OSError):
        number = source.fileno()
    is_main = threading.current_thread() is threading.main_thread()
    if number < 0 or not is_main:
        yield lambda: None
        return
    signalled, written = os.pipe()
    os.set_blocking(written, False)
    before = signal.set_wakeup_fd(written, warn_on_full_buffer=False)

    poll = select.poll()
    for each in (number, signalled):
        poll.register(each, select.POLLIN)

    def wait() -> None:
        # Python has run the handlers by the time that the signal is read.
        while number not in dict(poll.poll()):
            os.read(signalled, select.PIPE_BUF)

    try:
        yield wait
    finally:
        signal.set_wakeup_fd(before)
        os.close(signalled)
        os.close(written)


def _pieces(source: Any) -> Iterator[bytes]:  # noqa: ANN401 - anything with `read1`
    with _interruptible(source) as wait:
        wait()
        while data := source.read1(_READ_SIZE):
            yield data
            wait()


def whole_lines(source: IO[bytes] | IO[str] | GzipFile) -> Iterator[bytes]:
    """Yield what can be read of a source without waiting for more, up to the end of a line.

    Args:
        source: A file of bytes, a file of text, or anything that yields lines.

    Raises:
        MessageError: A line is longer than `LONGEST_LINE`.
    """
    binary = getattr(source, "buffer", source)
    if not hasattr(binary, "read1"):
        for line in source:
            yield line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line
        return
    begun: list[bytes] = []
    size = 0
    for data in _pieces(binary):
        end = data.rfind(b"\n") + 1
        if end:
            begun.append(data[:end])
            yield b"".join(begun)
            begun = [data[end:]]
            size = len(data) - end
        else:
            begun.append(data)
            size += len(data)
            if size > LONGEST_LINE:
                msg = f"a line is longer than {LONGEST_LINE >> 20} MB"
                raise MessageError(msg)
    if rest := b"".join(begun):
        yield rest
