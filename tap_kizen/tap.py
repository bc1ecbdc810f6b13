"""The tap: its settings and its streams."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from rest_tap.tap import RestTap
from tap_kizen.account import explore, streams_of
from tap_kizen.bookmarks import Period
from tap_kizen.settings import SETTINGS
from tap_kizen.streams import ActivityTypesStream
from tap_kizen.timestamps import to_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk.streams import Stream

    from tap_kizen.account import Account


class TapKizen(RestTap):
    """Reads a Kizen account: what is fixed, and every object it defines."""

    name = "tap-kizen"
    config_jsonschema: ClassVar[dict[str, Any]] = SETTINGS

    # Discovery asks the service, and so needs settings that are right.
    dynamic_catalog = True

    # What the service was found to do, once for all objects.
    is_filter_refused = False
    is_order_ignored = False
    is_order_proven = False

    #: The service's clock at its last answer that told it.
    service_time: datetime | None = None

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings, the period too.

        Raises:
            ConfigurationError: If one is wrong and `raise_errors` is set.
        """
        lines = super()._validate_config(raise_errors=raise_errors)
        if raise_errors:
            start = self.period.start
            if start is not None and start > datetime.now(tz=timezone.utc):
                self.logger.warning(
                    "setting 'start_date' (TAP_KIZEN_START_DATE) lies in the future (%s): nothing "
                    "is read before then",
                    to_utc(start),
                )
        return lines

    @cached_property
    def account(self) -> Account:
        """What the account has, asked for once."""
        return explore(self)

    @cached_property
    def period(self) -> Period:
        """The time asked for."""
        return Period.of(self.config)

    def activity_types(self) -> list[dict[str, Any]]:
        """Give the kinds of activity there are.

        Raises:
            FatalAPIError: If one has an id that nothing can be asked for by.
        """
        stream = ActivityTypesStream(self)
        return [{**record, "id": stream.text_id(record)} for record in stream.read(None)]

    def discover_streams(self) -> Sequence[Stream]:
        """Give the streams of the account."""
        return streams_of(self, self.account)


if __name__ == "__main__":
    TapKizen.cli()
