"""The SDK's own suite for taps, over HTTP, for every stream."""

from __future__ import annotations

from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_kizen.tap import TapKizen
from tests.programs import kizen_settings
from tests.servers import shared_sandbox

TestTapKizen = get_tap_test_class(
    tap_class=TapKizen,
    config=kizen_settings(shared_sandbox(), page_size=20),
    parse_env_config=False,
    # All keys of their records have columns, so that nothing is left for additional_fields.
    suite_config=SuiteConfig(ignore_no_records_for_streams=["activity_types", "automations"]),
)
