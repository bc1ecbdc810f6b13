"""The SDK's own suite for taps, over HTTP, for every stream."""

from __future__ import annotations

from singer_sdk.testing import get_tap_test_class

from tap_kananas.tap import TapKananas
from tests.programs import kananas_settings
from tests.servers import shared_sandbox

TestTapKananas = get_tap_test_class(
    tap_class=TapKananas,
    config=kananas_settings(shared_sandbox()),
    parse_env_config=False,
)
