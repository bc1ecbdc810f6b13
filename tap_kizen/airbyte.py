"""The tap as an Airbyte source: `source-kizen`."""

from __future__ import annotations

from airbyte_source.source import Source
from rest_tap.airbyte import describe, estimate, redactor, shortfall
from tap_kizen.tap import TapKizen

SOURCE = Source(
    name="source-kizen",
    title="Kizen",
    tap=TapKizen,
    # Airbyte has no word for rows that vanished, and so no use for reads that look for them.
    fixed={"emit_activate_version_messages": False, "full_refresh_every": 0},
    describe=describe,
    estimate=estimate,
    shortfall=shortfall,
    redactor=redactor,
)


def main() -> None:
    """Run the source."""
    SOURCE.main()


if __name__ == "__main__":
    main()
