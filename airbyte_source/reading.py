"""The command `read`: stream after stream, each with its status, its states and its failures."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, cast

from singer_sdk.exceptions import ConfigurationError, RetriableAPIError
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams import RESTStream

from airbyte_source.catalog import configure
from airbyte_source.messages import milliseconds_now
from airbyte_source.writer import BOOKMARK, ProtocolWriter, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk import Stream, Tap
    from singer_sdk.singerlib.encoding import GenericSingerWriter

    from airbyte_source.failures import Failure
    from airbyte_source.inputs import ConfiguredStream
    from airbyte_source.messages import Messages

MILLISECONDS = 1000


def singer_state(
    catalog: Mapping[str, ConfiguredStream], states: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """Give the state that a tap begins with: a full refresh pays no heed to it.

    Args:
        catalog: The streams to be read, by name.
        states: What their last states held, by name.
    """
    bookmarks = {
        name: states[name][BOOKMARK]
        for name, wanted in catalog.items()
        if wanted.sync_mode == "incremental" and BOOKMARK in states.get(name, {})
    }
    return {"bookmarks": bookmarks}


class OpensTap(Protocol):
    """What a read has to know of its source; `airbyte_source.source.Source` has the words."""

    @property
    def estimate(self) -> Callable[[Stream], int | None]:
        """How many records a stream is about to send."""

    @property
    def shortfall(self) -> Callable[[Stream], Exception | None]:
        """Why a read that went through has left something out."""

    def explain(self, error: Exception) -> Failure:
        """Put an exception into the words of the protocol."""

    def open(
        self,
        settings: Mapping[str, Any],
        *,
        writer: GenericSingerWriter[Any, Any],
        state: Mapping[str, Any] | None = None,
    ) -> Tap:
        """Make the tap."""


class Reading:
    """One run of `read`."""

    def __init__(
        self, source: OpensTap, messages: Messages, catalog: Mapping[str, ConfiguredStream]
    ) -> None:
        """Prepare to read the given streams."""
        self._source = source
        self._messages = messages
        self._catalog = catalog
        self._sent = {name: Sent() for name in catalog}
        self._streams: dict[str, Stream] = {}
        self._has_failed = False
        self._writer = ProtocolWriter(messages, self._sent, self._begin)

    def run(self, settings: Mapping[str, Any], states: Mapping[str, dict[str, Any]]) -> bool:
        """Read every stream, those after a failed one too.

        Args:
            settings: The settings, as given.
            states: What the streams' last states held, by name.

        Returns:
            Whether all streams were read whole.

        Raises:
            Exception: Whatever keeps the tap from saying which streams there are.
        """
        try:
            state = singer_state(self._catalog, states)
            tap = self._source.open(settings, state=state, writer=self._writer)
            self._streams = dict(tap.streams)
            self._prepare(tap)
        except Exception:
            for name in self._catalog:
                self._messages.stream_status(name, "INCOMPLETE")
            raise
        for stream, wanted in self._groups():
            self._read(tap, stream, wanted)
        for name in self._catalog:
            if name not in self._streams:
                message = f"there is no stream '{name}' any more: refresh the connection's schema"
                self._fail(name, ConfigurationError(message))
        return not self._has_failed

    def _prepare(self, tap: Tap) -> None:
        """Do what `Tap.sync_all`, which ends at the first failure, does first.

        It asks which children are wanted. Other streams wait for their turn: to know its schema,
        one may have to be read.
        """
        for stream in self._streams.values():
            if stream.parent_stream_type is not None:
                configure(tap, stream, self._catalog.get(stream.name))
        tap._reset_state_progress_markers()  # noqa: SLF001
        tap._set_compatible_replication_methods()  # noqa: SLF001

    def _groups(self) -> Iterator[tuple[Stream, list[Stream]]]:
        """Give the streams that are read by themselves, and which of their families are wanted."""
        for stream in self._streams.values():
            family = [stream, *stream.descendent_streams]
            wanted = [each for each in family if each.name in self._catalog]
            if stream.parent_stream_type is None and wanted:
                yield stream, wanted

    def _read(self, tap: Tap, stream: Stream, wanted: list[Stream]) -> None:
        """Read a stream, and its descendants with it; tell what comes of those that are wanted."""
        for each in wanted:
            self._messages.stream_status(each.name, "STARTED")
            self._sent[each.name].is_open = True
            self._tell_waits(each)
        try:
            configure(tap, stream, self._catalog.get(stream.name))
            stream.sync()
            stream.finalize_state_progress_markers()
        except Exception as error:  # noqa: BLE001 - the other streams can be read all the same
            for each in wanted:
                self._fail(each.name, error)
        else:
            for each in wanted:
                each.log_sync_costs()
                self._conclude(tap, each)
        for each in wanted:
            self._sent[each.name].is_open = False

    def _conclude(self, tap: Tap, stream: Stream) -> None:
        """Say that a stream was read; one whose read left something out was not."""
        shortfall = self._source.shortfall(stream)
        if shortfall is not None and stream.replication_method == REPLICATION_FULL_TABLE:
            # A destination may put what came in the place of what it has.
            self._fail(stream.name, shortfall)
            return
        self._writer.conclude(stream.name, tap.state)
        self._messages.stream_status(stream.name, "COMPLETE")

    def _fail(self, name: str, error: Exception) -> None:
        self._has_failed = True
        self._messages.error(self._source.explain(error), stream=name)
        self._messages.stream_status(name, "INCOMPLETE")

    def _begin(self, name: str) -> None:
        """Say that records of a stream come, and at the first one how many, where it is known."""
        self._messages.stream_status(name, "RUNNING")
        if self._sent[name].records == 0:
            rows = self._source.estimate(self._streams[name])
            if rows is not None:
                self._messages.estimate(name, rows)

    def _tell_waits(self, stream: Stream) -> None:
        """Say whenever a stream waits because the service asks for fewer requests."""
        if not isinstance(stream, RESTStream):
            return
        handle = stream.backoff_handler

        def handle_and_tell(details: Any) -> None:  # noqa: ANN401 - the library's mapping
            error = details.get("exception")
            response = error.response if isinstance(error, RetriableAPIError) else None
            if response is not None and response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                until = milliseconds_now() + int(details["wait"] * MILLISECONDS)
                self._messages.stream_status(stream.name, "RUNNING", rate_limited_until=until)
                self._sent[stream.name].is_waiting = True
            handle(details)

        cast("Any", stream).backoff_handler = handle_and_tell
