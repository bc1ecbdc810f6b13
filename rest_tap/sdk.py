"""The private methods of the Singer SDK that the taps override, all of them.

SDK 0.54 and 0.55 have no public place for what is done here. Each private method hands over to a
public one of the name below, which a stream or a tap overrides instead; its docstring says why.
When the SDK renames or opens one, this file changes and no other: a test finds overrides that stand
elsewhere, and methods that the SDK no longer has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import Stream, Tap
from singer_sdk.streams import RESTStream

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType
    from typing import NoReturn

    import requests
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig, SDKBatchMessage
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import RecordMessage


class OpenStream(Stream):
    """A stream whose messages of a record can be changed."""

    def _generate_record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        return self.record_messages(record)

    def record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        """Return the messages of a record.

        Why: records that need no change are not looked into, and a stream map that fails is told
        in one line. `post_process` is too early for both.
        """
        return super()._generate_record_messages(record)


class OpenRestStream(OpenStream, RESTStream[Any]):
    """A stream over HTTP whose way of sending can be changed."""

    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        return self.sync_records(context, write_messages=write_messages)

    def sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        """Read the records of a stream, and send them.

        Why: rows are written by the page, which the SDK does one by one.
        """
        return super()._sync_records(context, write_messages=write_messages)

    def _process_record(
        self,
        record: Record,
        child_context: Context | None = None,
        partition_context: Context | None = None,
    ) -> None:
        self.process_record(record, child_context, partition_context)

    def process_record(
        self,
        record: Record,
        child_context: Context | None = None,
        partition_context: Context | None = None,
    ) -> None:
        """Hand a record to the streams below, and to its partition's keys.

        Why: it copies each record, where there are neither.
        """
        super()._process_record(record, child_context, partition_context)

    def _generate_batch_messages(
        self, encoding: BaseBatchFileEncoding, manifest: list[str]
    ) -> Generator[SDKBatchMessage, None, None]:
        return self.batch_messages(encoding, manifest)

    def batch_messages(
        self, encoding: BaseBatchFileEncoding, manifest: list[str]
    ) -> Generator[SDKBatchMessage, None, None]:
        """Return the messages of a batch.

        Why: they carry the version of the table, and say that the files may go.
        """
        return super()._generate_batch_messages(encoding, manifest)

    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        self.sync_batches(batch_config, context)

    def sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Write the batches of a stream.

        Why: ACTIVATE_VERSION has to follow the last one.
        """
        super()._sync_batches(batch_config, context)

    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        self.note_record(latest_record, context)

    def note_record(self, record: Record, context: Context | None) -> None:
        """Move the bookmark to a record that was sent.

        Why: the taps' bookmarks follow the order of pages, and never pass the start of the read,
        neither of which the SDK knows.
        """
        super()._increment_stream_state(record, context=context)

    def _request(
        self, prepared_request: requests.PreparedRequest, context: Context | None
    ) -> requests.Response:
        return self.send_request(prepared_request, context)

    def send_request(
        self, prepared_request: requests.PreparedRequest, context: Context | None
    ) -> requests.Response:
        """Send a request once.

        Why: an answer that is too large gets advice that names the stream. `validate_response` is
        too late: the answer has been read by then.
        """
        return super()._request(prepared_request, context)


class OpenTap(Tap):
    """A tap whose checks and whose end can be changed."""

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        return self.check_settings(raise_errors=raise_errors)

    def check_settings(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings and fill in defaults; return what is wrong.

        Why: the SDK's lines quote values, which may be secrets, and do not name the environment
        variable.
        """
        return super()._validate_config(raise_errors=raise_errors)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> NoReturn:
        del frame
        self.end_on_signal(signum)

    def end_on_signal(self, number: int) -> NoReturn:
        """End the program on a signal.

        Why: the SDK ends with 0, as if all had been read, and with a traceback where Python is
        cleaning up.
        """
        raise NotImplementedError
