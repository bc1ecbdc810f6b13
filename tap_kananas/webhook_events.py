"""The stream of webhooks that `kananas-webhooks` has stored.

The store is an SQLite file; its table is described in docs/webhooks.md. Its numbers rise in the
order in which events became readable, so reading from the last number on misses none.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigurationError, FatalAPIError
from singer_sdk.helpers.conform import TypeConformanceLevel

from rest_tap.mapping import failures_told
from rest_tap.progress import Progress
from rest_tap.sdk import OpenStream
from tap_kananas.resources import WEBHOOK_EVENTS

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import RecordMessage

# What `PRAGMA user_version` says of a store with the tables that are read here.
_STORE_VERSION = 1

# As much as is read before the file is let go: who reads long keeps the store's log from shrinking.
_BYTES_AT_ONCE = 8 << 20

_SELECT = """
select
  sequence, received_at, content_type, query, headers, body, body_sha256, payload
from events
where sequence > ? and sequence <= ?
order by sequence
"""

_FIELDS = th.CustomType({"type": ["object", "null"]})
_ANY = th.CustomType({"type": ["object", "array", "string", "number", "boolean", "null"]})


class WebhookEvents(OpenStream):
    """The stored events, each once, in the order in which they came."""

    name = WEBHOOK_EVENTS
    primary_keys = ("sequence",)
    replication_key = "sequence"
    is_sorted = True

    # The store holds what the schema says.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property(
            "sequence",
            th.IntegerType,
            required=True,
            description="Number of the event; rises, with gaps, and is never given twice.",
        ),
        th.Property("received_at", th.DateTimeType, description="When the event had come whole."),
        th.Property("content_type", th.StringType, description="Its Content-Type, as sent."),
        th.Property("query", _FIELDS, description="The fields of its query string."),
        th.Property(
            "headers", _FIELDS, description="Its headers, without those that may hold a secret."
        ),
        th.Property("body", th.StringType, description="The body; null where it is no UTF-8 text."),
        th.Property(
            "body_base64",
            th.StringType,
            description="The body in Base64, where it is no UTF-8 text.",
        ),
        th.Property(
            "body_sha256",
            th.StringType,
            description="SHA-256 of the body: the same for an event that was sent twice.",
        ),
        th.Property(
            "payload",
            _ANY,
            description="What can be read of the body: JSON, or the fields of a form.",
        ),
    ).to_dict()

    @property
    def emit_activate_version_messages(self) -> bool:
        """Never: what has left the store is not gone from the table."""
        return False

    def get_batch_config(self, config: Mapping[str, Any]) -> BatchConfig | None:  # noqa: ARG002
        """Send events as messages: batch files would hold columns that are left out."""
        return None

    def record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        """Yield the messages of an event."""
        with failures_told(self.name):
            messages = list(super().record_messages(record))
        yield from messages

    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:
        """Yield the events after the last one that was loaded, up to the newest there is now.

        Raises:
            ConfigurationError: If the setting names no store.
            FatalAPIError: If the store cannot be read, or ends before what was loaded.
        """
        setting = "setting 'webhook_store' (TAP_KANANAS_WEBHOOK_STORE)"
        path = Path(self.config["webhook_store"])
        if not path.is_file():
            message = f"{setting}: there is no file {path}: `kananas-webhooks serve` makes it"
            raise ConfigurationError(message)
        loaded = self.get_starting_replication_key_value(context) or 0
        try:
            with closing(_open(path)) as store:
                (version,) = store.execute("pragma user_version").fetchone()
                if version != _STORE_VERSION:
                    message = f"{setting}: {path} is no store of webhooks this version reads"
                    raise ConfigurationError(message)
                (last,) = store.execute("select seq from sqlite_sequence").fetchone()
                if loaded > last:
                    message = (
                        f"{self.name}: the store ends at event {last}, before event {loaded}, "
                        f"which was loaded: it is an older copy; check {setting}"
                    )
                    raise FatalAPIError(message)
                self._acknowledge(store, loaded)
                with Progress(self.logger, self.name) as progress:
                    for row in _rows(store, loaded, last):
                        progress.count()
                        yield _record(row)
        except sqlite3.Error as error:
            message = f"{self.name}: {path} cannot be read: {error}: check {setting}"
            raise FatalAPIError(message) from error

    def _acknowledge(self, store: sqlite3.Connection, loaded: int) -> None:
        """Let the store remove what was loaded: a state comes back only once its rows are safe."""
        if not self.config["webhook_acknowledge"]:
            return
        try:
            store.execute(
                "update extraction set sequence = max(sequence, ?) where sequence < ?",
                (loaded, loaded),
            )
        except sqlite3.Error as error:
            self.logger.warning(
                "%s: the store could not be told what is loaded, and keeps it: %s", self.name, error
            )


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
    connection.isolation_level = None
    connection.row_factory = sqlite3.Row
    return connection


def _rows(store: sqlite3.Connection, after: int, last: int) -> Iterator[sqlite3.Row]:
    """Yield the events of a range, a few megabytes at a time."""
    while True:
        rows, size = [], 0
        with closing(store.execute(_SELECT, (after, last))) as found:
            for row in found:
                rows.append(row)
                size += len(row["body"]) + len(row["payload"] or "")
                if size >= _BYTES_AT_ONCE:
                    break
        if not rows:
            return
        yield from rows
        after = rows[-1]["sequence"]


def _record(row: sqlite3.Row) -> dict[str, Any]:
    text, encoded = _readable(row["body"])
    return {
        "sequence": row["sequence"],
        "received_at": row["received_at"],
        "content_type": row["content_type"],
        "query": _value(row["query"]),
        "headers": _value(row["headers"]),
        "body": text,
        "body_base64": encoded,
        "body_sha256": row["body_sha256"],
        "payload": _value(row["payload"]),
    }


def _readable(body: bytes) -> tuple[str | None, str | None]:
    """Return a body as text, or else in Base64."""
    try:
        return body.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(body).decode()


def _value(text: str | None) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON; numbers keep all their digits."""
    return None if text is None else json.loads(text, parse_float=Decimal)
