"""The tap: its settings and its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th

from rest_tap.settings import COMMON_SETTINGS
from rest_tap.tap import RestTap
from tap_kizen.client import DEFAULT_API_URL, MAX_PAGE_SIZE
from tap_kizen.streams import CompaniesStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk.streams import Stream


class TapKizen(RestTap):
    """Reads a Kizen account."""

    name = "tap-kizen"

    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property(
            "api_key",
            th.StringType(min_length=1),
            required=True,
            secret=True,
            title="API key",
            description="Sent in the X-API-Key header.",
        ),
        th.Property(
            "user_id",
            th.StringType(min_length=1),
            required=True,
            title="User id",
            description="The UUID of the API user, sent in the X-User-Id header.",
        ),
        th.Property(
            "business_id",
            th.StringType(min_length=1),
            required=True,
            title="Business id",
            description="The UUID of the business, sent in the X-Business-Id header.",
        ),
        th.Property(
            "api_url",
            th.StringType(pattern="^https?://"),
            default=DEFAULT_API_URL,
            title="API address",
            description="The base address of the API. Some accounts live at another one, "
            "with or without /api at its end.",
        ),
        th.Property(
            "page_size",
            th.IntegerType(minimum=1, maximum=MAX_PAGE_SIZE),
            default=MAX_PAGE_SIZE,
            title="Page size",
            description=f"Records asked for in one request, at most {MAX_PAGE_SIZE}.",
        ),
        th.Property(
            "start_date",
            th.DateTimeType(),
            title="Start date",
            description="Leave out records created before this time. Without it, all are read.",
        ),
        *COMMON_SETTINGS,
    ).to_dict()

    def discover_streams(self) -> Sequence[Stream]:
        """Give the streams of the account."""
        return [CompaniesStream(self)]


if __name__ == "__main__":
    TapKizen.cli()
