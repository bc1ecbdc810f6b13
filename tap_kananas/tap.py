"""The tap: its settings and its streams."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigurationError

from rest_tap.settings import ADDRESS, COMMON_SETTINGS, CREDENTIAL
from rest_tap.tap import RestTap
from tap_kananas.bookmarks import (
    DEFAULT_LOOKBACK_SECONDS,
    STATE_AS_WRITTEN,
    STATE_HIGHEST_SEEN,
    STATE_VALUE,
)
from tap_kananas.catalog import bring_up_to_date
from tap_kananas.client import DEFAULT_API_URL
from tap_kananas.resources import WEBHOOK_EVENTS, resources
from tap_kananas.response.handover import Handover
from tap_kananas.streams import STATE_COLUMNS, STATE_ROWS, AccountStream
from tap_kananas.webhook_events import WebhookEvents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk.singerlib import Catalog
    from singer_sdk.streams import Stream

MAX_PAGE_SIZE = 100_000

_NAMES = th.ArrayType(th.StringType(min_length=1))

_PAGING = th.ObjectType(
    th.Property(
        "kind",
        th.StringType(allowed_values=["none", "page", "offset"]),
        required=True,
        description="none: all in one answer; page: the parameter counts pages; offset: it "
        "counts records.",
    ),
    th.Property(
        "parameter",
        th.StringType(min_length=1),
        description="The query parameter that says which page, or from which record on.",
    ),
    th.Property(
        "size_parameter",
        th.StringType(min_length=1),
        description="The query parameter that says how many records a page has.",
    ),
    th.Property(
        "size",
        th.IntegerType(minimum=1, maximum=MAX_PAGE_SIZE),
        description="How many records a page has.",
    ),
    th.Property(
        "first",
        th.IntegerType(minimum=0),
        description="The number of the first page (1) or record (0).",
    ),
    additional_properties=False,
)

_REQUEST = th.ObjectType(
    th.Property(
        "name",
        th.StringType(pattern="^[a-z][a-z0-9_]*$"),
        required=True,
        description="The stream and its table.",
    ),
    th.Property(
        "request",
        th.StringType(min_length=1),
        required=True,
        description="The value of request in the query string.",
    ),
    th.Property("records_path", th.StringType(min_length=1), description="As for contacts."),
    th.Property("primary_keys", _NAMES, description="As for contacts."),
    th.Property(
        "replication_key",
        th.StringType(min_length=1),
        description="The column that says when a record changed.",
    ),
    th.Property(
        "replication_parameter",
        th.StringType(min_length=1),
        description="The query parameter that takes its lower bound.",
    ),
    th.Property(
        "replication_format",
        th.StringType(min_length=1),
        description="How the bound is written, as for strftime, in the setting timezone or UTC.",
    ),
    th.Property(
        "params",
        th.ObjectType(additional_properties=th.CustomType({"type": ["string", "integer"]})),
        description="Further query parameters.",
    ),
    th.Property("paging", _PAGING, description="How the list is read page by page."),
    th.Property("min_records", th.IntegerType(minimum=0), description="As for contacts."),
    additional_properties=False,
)


_WRITTEN = {"type": ["string", "number", "null"]}
_COLUMN = {
    "type": "object",
    "properties": {"type": {"type": "array", "items": {"type": "string"}}},
    "required": ["type"],
}
_BOOKMARK = {
    "properties": {
        STATE_VALUE: _WRITTEN,
        STATE_AS_WRITTEN: _WRITTEN,
        STATE_HIGHEST_SEEN: _WRITTEN,
        STATE_ROWS: {"type": "integer"},
        STATE_COLUMNS: {"type": "object", "additionalProperties": _COLUMN},
    }
}
_LAST_EVENT = {"properties": {STATE_VALUE: {"type": ["integer", "null"]}}}


class TapKananas(RestTap):
    """Reads a Kananas account, whose columns it discovers."""

    name = "tap-kananas"
    dynamic_catalog = True

    state_shape: ClassVar[dict[str, Any]] = {
        "properties": {
            "bookmarks": {
                "properties": {WEBHOOK_EVENTS: _LAST_EVENT},
                "additionalProperties": _BOOKMARK,
            }
        }
    }

    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property(
            "secret_key",
            CREDENTIAL,
            required=True,
            secret=True,
            title="Secret key",
            description="Sent in the token header. Set in Kananas under Parameters/API.",
        ),
        th.Property(
            "api_url",
            th.StringType(pattern=ADDRESS),
            default=DEFAULT_API_URL,
            title="API address",
            description="The whole address of the script that answers the API.",
        ),
        th.Property(
            "primary_keys",
            _NAMES,
            default=["id"],
            examples=[["id"]],
            title="Primary keys",
            description="The columns that tell one contact from another. Where the answer is "
            "an object keyed by id, the first one takes that key. The name record_hash stands "
            "for a hash of the whole record, for accounts in which no column will do.",
        ),
        th.Property(
            "records_path",
            th.StringType(min_length=1),
            examples=["data.contacts"],
            title="Records path",
            description="Where the records are in the answer, keys joined by dots, $ for the "
            "top. Without it the tap finds out, and says so when it cannot.",
        ),
        th.Property(
            "timezone",
            th.StringType(min_length=1),
            examples=["Europe/Paris"],
            title="Time zone",
            description="The zone of timestamps that name none, such as Europe/Paris: they "
            "become UTC. Without it they stay text.",
        ),
        th.Property(
            "min_records",
            th.IntegerType(minimum=0),
            default=0,
            title="Fewest records",
            description="A list of contacts shorter than this is an error, and changes nothing.",
        ),
        th.Property(
            "max_shrink",
            th.IntegerType(minimum=0, maximum=100),
            default=50,
            title="Largest shrink",
            description="How many percent of its rows a whole list may lose from one run to the "
            "next. A shorter list is an error, and changes nothing. 100 accepts any list.",
        ),
        th.Property(
            "requests",
            th.ArrayType(_REQUEST),
            examples=[[{"name": "branches", "request": "entities"}]],
            title="Requests",
            description="More lists to read, or contacts in another way: for each its name and "
            "request, and where needed records_path, primary_keys, replication_key with "
            "replication_parameter, params, paging and min_records.",
        ),
        th.Property(
            "lookback_seconds",
            th.IntegerType(minimum=0),
            default=DEFAULT_LOOKBACK_SECONDS,
            title="Look-back",
            description="Seconds before the last change seen from which the next run reads again, "
            "since the service may show a change some seconds late. For lists of requests that "
            "have a replication_key.",
        ),
        th.Property(
            "rate_limit",
            th.IntegerType(minimum=1),
            default=2,
            title="Rate limit",
            description="Requests a second at most, retries included.",
        ),
        th.Property(
            "discovery_folder",
            th.StringType(),
            title="Discovery folder",
            description="Where discovery leaves the lists it has read, for a run that begins "
            "within a minute and removes them. Meltano starts the tap twice; where this is "
            "empty, each list is asked for twice.",
        ),
        th.Property(
            "webhook_store",
            th.StringType(min_length=1),
            title="Webhook store",
            description="The file in which `kananas-webhooks` stores events. Where it is set, they "
            "are read as stream webhook_events.",
        ),
        th.Property(
            "webhook_acknowledge",
            th.BooleanType(),
            default=True,
            title="Acknowledge webhooks",
            description="Let the store remove events, some time after they have been loaded. "
            "Switch it off for any further copy of the data.",
        ),
        *COMMON_SETTINGS,
    ).to_dict()

    # The SDK's type helper has no word for it.
    config_jsonschema["properties"]["primary_keys"]["minItems"] = 1

    _up_to_date = False
    _discovered: list[Stream] | None = None

    def __init__(self, *, state: Any = None, **arguments: Any) -> None:  # noqa: ANN401 - the SDK's
        """Take the same as any tap; the state is needed before the SDK hands it out."""
        self.earlier_state: dict[str, Any] = state if isinstance(state, dict) else {}
        super().__init__(state=state, **arguments)

    def check_settings(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings, also against each other.

        Raises:
            ConfigurationError: If one is wrong, and `raise_errors` is set.
        """
        lines = super().check_settings(raise_errors=raise_errors)
        if lines:
            return lines
        try:
            self._check_zone()
            resources(self.config)
        except ConfigurationError as error:
            if raise_errors:
                raise
            return [str(error)]
        return []

    def _check_zone(self) -> None:
        name = self.config.get("timezone")
        if name is None:
            return
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            message = f"setting 'timezone' names no time zone that is known here: '{name}'"
            raise ConfigurationError(message) from error

    @property
    def input_catalog(self) -> Catalog | None:
        """The catalog the tap was given, with the columns the account has now."""
        catalog = super().input_catalog
        if catalog is not None and not self._up_to_date:
            self._up_to_date = True
            for stream in self.discover_streams():
                entry = catalog.get_stream(stream.name)
                if entry is not None and entry.metadata.resolve_selection()[()]:
                    # Whether the whole table is wanted must be known before it is asked for.
                    stream.apply_catalog(catalog)
                    bring_up_to_date(entry, stream, self.logger)
        return catalog

    def run_discovery(self) -> str:
        """Print the catalog, and leave the lists for the run that follows."""
        handover = self._handover
        if handover is None:
            return super().run_discovery()
        handover.is_discovery = True
        found = super().run_discovery()
        handover.end_discovery()
        return found

    @cached_property
    def _handover(self) -> Handover | None:
        folder = self.config.get("discovery_folder")
        return Handover(Path(folder).expanduser()) if folder else None

    def discover_streams(self) -> Sequence[Stream]:
        """Return the streams of the account."""
        if self._discovered is None:
            bookmarks = self.earlier_state.get("bookmarks", {})
            self._discovered = [
                AccountStream(
                    self,
                    resource,
                    bookmarks.get(resource.name, {}),
                    self._handover,
                )
                for resource in resources(self.config)
            ]
            if self.config.get("webhook_store"):
                self._discovered.append(WebhookEvents(self))
        return self._discovered


if __name__ == "__main__":
    TapKananas.cli()
