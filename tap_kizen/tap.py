"""The tap: its settings and its streams."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from rest_tap.tap import RestTap
from tap_kizen.account import Service
from tap_kizen.bookmarks import Period
from tap_kizen.discovery import explore, streams_of
from tap_kizen.settings import SETTINGS
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

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 - the SDK's
        """Take the same as any tap; nothing is known of the service yet."""
        self.service = Service()
        super().__init__(**arguments)

    def check_settings(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings, the period too.

        Raises:
            ConfigurationError: If one is wrong and `raise_errors` is set.
        """
        lines = super().check_settings(raise_errors=raise_errors)
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

    def discover_streams(self) -> Sequence[Stream]:
        """Return the streams of the account."""
        return streams_of(self, self.account)


if __name__ == "__main__":
    TapKizen.cli()
