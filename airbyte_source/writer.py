"""Singer messages of a tap, turned into those of the Airbyte protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.encoding import GenericSingerWriter
from singer_sdk.singerlib.encoding.simple import Message, RecordMessage, StateMessage

from airbyte_source.messages import encode, milliseconds_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airbyte_source.messages import Messages

#: What a stream's state holds: the tap's own entries, and a count that tells states apart.
BOOKMARK = "bookmark"
RECORDS = "records"


@dataclass
class Sent:
    """What was sent of a stream in this run.

    Attributes:
        records: How many records.
        counted: How many of them by the last state.
        bookmark: The tap's entries in the last state, as JSON; None where there was none.
        is_open: Whether it is being read. Before, its bookmark is that of an earlier run; after a
            failure, it may be ahead of what was sent.
        is_waiting: Whether it was said last that the stream waits for the service.
    """

    records: int = 0
    counted: int = 0
    bookmark: bytes | None = None
    is_open: bool = False
    is_waiting: bool = False


class ProtocolWriter(GenericSingerWriter[bytes, Message]):
    """Takes the place of a tap's own writer.

    SCHEMA and ACTIVATE_VERSION have no counterpart: the catalog has said the one, and the
    protocol does not know the other.
    """

    def __init__(
        self, messages: Messages, streams: Mapping[str, Sent], begin: Callable[[str], None]
    ) -> None:
        """Write what comes of the given streams, and drop what comes of others.

        Args:
            messages: Where to.
            streams: By name, what was sent of them; is kept up to date.
            begin: Is called with a stream's name before its first record, and before the first
                one after a wait.
        """
        super().__init__()
        self._messages = messages
        self._streams = streams
        self._begin = begin

    def serialize_message(self, message: Message) -> bytes:
        """Give a message as JSON."""
        return encode(message.to_dict())

    def write_message(self, message: Message) -> None:
        """Write a message, if the protocol has one like it."""
        if isinstance(message, RecordMessage):
            self._record(message)
        elif isinstance(message, StateMessage):
            self._states(message.value)

    def _record(self, message: RecordMessage) -> None:
        sent = self._streams.get(message.stream)
        if sent is None:
            return
        if sent.records == 0 or sent.is_waiting:
            self._begin(message.stream)
            sent.is_waiting = False
        sent.records += 1
        moment = message.time_extracted
        emitted_at = milliseconds_now() if moment is None else int(moment.timestamp() * 1000)
        self._messages.record(message.stream, message.record, emitted_at)

    def _states(self, value: Mapping[str, Any]) -> None:
        """Write the state of each stream whose bookmark has changed."""
        for name, bookmark in value.get("bookmarks", {}).items():
            sent = self._streams.get(name)
            if sent is not None and sent.is_open and encode(bookmark) != sent.bookmark:
                self._state(name, sent, bookmark)

    def conclude(self, stream: str, value: Mapping[str, Any]) -> None:
        """Write the last state of a stream, unless it has been written.

        Args:
            stream: The name of the stream, all of whose records have been sent.
            value: The state of the tap.
        """
        sent = self._streams[stream]
        bookmark = value.get("bookmarks", {}).get(stream, {})
        if sent.counted < sent.records or encode(bookmark) != sent.bookmark:
            self._state(stream, sent, bookmark)

    def _state(self, name: str, sent: Sent, bookmark: Mapping[str, Any]) -> None:
        sent.bookmark = encode(bookmark)
        # Two states with records in between must differ, though the bookmark may stand still.
        state = encode({BOOKMARK: msgspec.Raw(sent.bookmark), RECORDS: sent.records})
        self._messages.state(name, msgspec.Raw(state), sent.records - sent.counted)
        sent.counted = sent.records
