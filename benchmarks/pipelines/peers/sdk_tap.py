"""A tap as the Singer SDK's template makes it: page numbers, and all else left to the SDK."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BasePageNumberPaginator

if TYPE_CHECKING:
    import requests

TEXT = th.StringType(nullable=True)
NESTED = th.ObjectType(additional_properties=True, nullable=True)
PAGE_SIZE = 1000


class Pages(BasePageNumberPaginator):
    """Page numbers up to the page without a next one."""

    def has_more(self, response: requests.Response) -> bool:
        """Tell whether there is a next page."""
        return response.json()["next"] is not None


class Companies(RESTStream[int]):
    """The companies."""

    name = "companies"
    path = "/company"
    records_jsonpath = "$.results[*]"
    primary_keys = ("id",)
    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("id", th.StringType(), required=True),
        *(th.Property(name, TEXT) for name in ("name", "email", "mobile_phone", "business_phone")),
        *(th.Property(name, th.ArrayType(NESTED)) for name in ("addresses", "tags", "domains")),
        th.Property("created", th.DateTimeType(nullable=True)),
        th.Property("custom_fields", NESTED),
    ).to_dict()

    @property
    def url_base(self) -> str:
        """The base address."""
        return os.environ["BENCH_URL"]

    def get_new_paginator(self) -> Pages:
        """Begin at page 1."""
        return Pages(1)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:  # noqa: ANN401, ARG002
        """Ask for a page."""
        return {"page": next_page_token, "page_size": PAGE_SIZE, "ordering": "created"}


class TapDefault(Tap):
    """The tap."""

    name = "tap-default"

    def discover_streams(self) -> list[Companies]:
        """Give the only stream."""
        return [Companies(self)]


if __name__ == "__main__":
    TapDefault.cli()
