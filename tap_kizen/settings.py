"""The settings of the tap."""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

from rest_tap.settings import ADDRESS, COMMON_SETTINGS, CREDENTIAL
from tap_kizen.client import DEFAULT_API_URL, MAX_PAGE_SIZE

#: What Kizen documents.
DEFAULT_RATE_LIMIT = 25
#: Enough to keep to the rate limit while an answer takes a third of a second.
DEFAULT_CONCURRENT_REQUESTS = 8
#: Reads lag behind writes by up to about 2 seconds (Kizen's own public code).
DEFAULT_LOOKBACK_SECONDS = 10
DEFAULT_FULL_REFRESH_HOURS = 24

SETTINGS: dict[str, Any] = th.PropertiesList(
    th.Property(
        "api_key",
        CREDENTIAL,
        required=True,
        secret=True,
        title="API key",
        description="Sent in the X-API-Key header.",
    ),
    th.Property(
        "user_id",
        CREDENTIAL,
        required=True,
        examples=["0f8fad5b-d9cb-469f-a165-70867728950e"],
        title="User id",
        description="The UUID of the API user, sent in the X-User-Id header.",
    ),
    th.Property(
        "business_id",
        CREDENTIAL,
        required=True,
        examples=["7c9e6679-7425-40de-944b-e07fc1f90ae7"],
        title="Business id",
        description="The UUID of the business, sent in the X-Business-Id header.",
    ),
    th.Property(
        "api_url",
        th.StringType(pattern=ADDRESS),
        default=DEFAULT_API_URL,
        title="API address",
        description="The base address of the API. Some accounts live at another one, "
        "with or without /api at its end.",
    ),
    th.Property(
        "objects",
        th.ArrayType(th.StringType(min_length=1)),
        default=["*"],
        examples=[["client_*", "companies_company"]],
        title="Objects",
        description="Patterns of the objects to read, by API name or id.",
    ),
    th.Property(
        "exclude_objects",
        th.ArrayType(th.StringType(min_length=1)),
        default=[],
        examples=[["deal_*"]],
        title="Excluded objects",
        description="Patterns of the objects not to read, by API name or id.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType(),
        examples=["2026-01-01T00:00:00Z"],
        title="Start date",
        description="Leave out records last changed before this time: companies and clients "
        "created, activities logged before it. Without it, all are read. While it is set, no "
        "row counts as deleted.",
    ),
    th.Property(
        "end_date",
        th.DateTimeType(),
        examples=["2026-07-01T00:00:00Z"],
        title="End date",
        description="Leave out what start_date would take from this time on, to fill in a "
        "period of the past.",
    ),
    th.Property(
        "lookback_seconds",
        th.IntegerType(minimum=0),
        default=DEFAULT_LOOKBACK_SECONDS,
        title="Look-back",
        description="Seconds before the last change seen from which the next run reads again, "
        "since the service may show a change some seconds late.",
    ),
    th.Property(
        "full_refresh_every",
        th.IntegerType(minimum=0),
        default=DEFAULT_FULL_REFRESH_HOURS,
        title="Full refresh every",
        description="Hours after which records and logged activities are read whole again, to "
        "find those that were archived. 0 never does.",
    ),
    th.Property(
        "fetch_large_values",
        th.BooleanType(),
        default=True,
        title="Fetch large values",
        description="Fetch the values of a field that has too many to be in its record, with a "
        "request for each such field of each record. Without it, only their number is kept.",
    ),
    th.Property(
        "legacy_clients",
        th.BooleanType(),
        default=False,
        title="Legacy clients",
        description="Read contacts by the older route GET /client, too, as stream clients.",
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1, maximum=MAX_PAGE_SIZE),
        default=MAX_PAGE_SIZE,
        title="Page size",
        description=f"Records asked for in one request, at most {MAX_PAGE_SIZE}.",
    ),
    th.Property(
        "rate_limit",
        th.IntegerType(minimum=1, maximum=1000),
        default=DEFAULT_RATE_LIMIT,
        title="Rate limit",
        description="Requests that the service allows in any second, for all streams together: "
        "25 by Kizen's documentation. They leave evenly spread, and a little less often.",
    ),
    th.Property(
        "concurrent_requests",
        th.IntegerType(minimum=1, maximum=32),
        default=DEFAULT_CONCURRENT_REQUESTS,
        title="Concurrent requests",
        description="Pages of a list that are asked for at the same time, where its order allows "
        "it. 1 asks for one after the other.",
    ),
    *COMMON_SETTINGS,
).to_dict()
