"""The streams of Kizen, as small classes: path, key, schema."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigurationError

from tap_kizen.client import KizenStream
from tap_kizen.timestamps import parse_timestamp, to_utc

if TYPE_CHECKING:
    from datetime import datetime

    from singer_sdk.helpers.types import Context, Record

NAMED = th.ObjectType(
    th.Property("id", th.StringType(nullable=True)),
    th.Property("name", th.StringType(nullable=True)),
    additional_properties=True,
    nullable=True,
)

ADDRESS = th.ObjectType(
    th.Property("full_name", th.StringType(nullable=True)),
    th.Property("street_address", th.StringType(nullable=True)),
    th.Property("street_address_2", th.StringType(nullable=True)),
    th.Property("city", th.StringType(nullable=True)),
    th.Property("postal_code", th.StringType(nullable=True)),
    th.Property("state", th.StringType(nullable=True)),
    th.Property("country", th.StringType(nullable=True)),
    additional_properties=True,
    nullable=True,
)


class CompaniesStream(KizenStream):
    """Companies, by the documented route `GET /company`.

    The keys of a record are as a third-party connector read them: id, name, email, phones,
    addresses, tags, domains, created and `custom_fields`. Keys beyond these are kept whole
    in `additional_fields`.
    """

    name = "companies"
    path = "/company"
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)

    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("id", th.StringType(), required=True),
        th.Property("name", th.StringType(nullable=True)),
        th.Property("email", th.StringType(nullable=True)),
        th.Property("mobile_phone", th.StringType(nullable=True)),
        th.Property("business_phone", th.StringType(nullable=True)),
        th.Property("addresses", th.ArrayType(ADDRESS, nullable=True)),
        th.Property("tags", th.ArrayType(NAMED, nullable=True)),
        th.Property("domains", th.ArrayType(NAMED, nullable=True)),
        th.Property("created", th.DateTimeType(nullable=True)),
        th.Property("custom_fields", th.ObjectType(additional_properties=True, nullable=True)),
        th.Property("additional_fields", th.ObjectType(additional_properties=True, nullable=True)),
    ).to_dict()

    @cached_property
    def start(self) -> datetime | None:
        """The time from which records are wanted.

        Raises:
            ConfigurationError: If the setting is no date.
        """
        value = self.config.get("start_date")
        if value is None:
            return None
        start = parse_timestamp(value)
        if start is None:
            message = f"{self.setting('start_date')} is not a date or timestamp: {value!r}"
            raise ConfigurationError(message)
        return start

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:  # noqa: ARG002
        """Keep all keys, put `created` into UTC, leave out what is older than `start_date`.

        The route has no documented filter on time, so the filter stands here. A stamp that
        cannot be read passes as it came: the loader's rule for bad values then decides.
        """
        record = self.keep_unknown(row)
        created = parse_timestamp(record["created"]) if record.get("created") else None
        if created is not None:
            if self.start is not None and created < self.start:
                return None
            record["created"] = to_utc(created)
        return record
