"""The tap: its settings and its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th

from rest_tap.settings import COMMON_SETTINGS
from rest_tap.tap import RestTap
from tap_kananas.catalog import bring_up_to_date
from tap_kananas.client import DEFAULT_API_URL
from tap_kananas.streams import ContactsStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk.singerlib import Catalog
    from singer_sdk.streams import Stream


class TapKananas(RestTap):
    """Reads a Kananas account, whose columns it discovers."""

    name = "tap-kananas"
    dynamic_catalog = True

    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property(
            "secret_key",
            th.StringType(min_length=1),
            required=True,
            secret=True,
            title="Secret key",
            description="Sent in the token header. Set in Kananas under Parameters/API.",
        ),
        th.Property(
            "api_url",
            th.StringType(pattern="^https?://"),
            default=DEFAULT_API_URL,
            title="API address",
            description="The whole address of the script that answers the API.",
        ),
        th.Property(
            "primary_keys",
            th.ArrayType(th.StringType(min_length=1)),
            default=["id"],
            title="Primary keys",
            description="The columns that tell one contact from another. Where the answer is "
            "an object keyed by id, the first one takes that key.",
        ),
        th.Property(
            "records_path",
            th.StringType(min_length=1),
            title="Records path",
            description="Where the records are in the answer, keys joined by dots, $ for the "
            "top. Without it the tap finds out, and says so when it cannot.",
        ),
        *COMMON_SETTINGS,
    ).to_dict()

    # The SDK's type helper has no word for it.
    config_jsonschema["properties"]["primary_keys"]["minItems"] = 1

    _up_to_date = False

    @property
    def input_catalog(self) -> Catalog | None:
        """The catalog the tap was given, with the columns the account has now."""
        catalog = super().input_catalog
        if catalog is not None and not self._up_to_date:
            self._up_to_date = True
            for stream in self.discover_streams():
                entry = catalog.get_stream(stream.name)
                if entry is not None and entry.metadata.resolve_selection()[()]:
                    bring_up_to_date(entry, stream, self.logger)
        return catalog

    def discover_streams(self) -> Sequence[Stream]:
        """Give the streams of the account."""
        if self._discovered is None:
            self._discovered = [ContactsStream(self)]
        return self._discovered

    _discovered: list[Stream] | None = None


if __name__ == "__main__":
    TapKananas.cli()
