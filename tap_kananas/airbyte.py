"""The tap as an Airbyte source: `source-kananas`."""

from __future__ import annotations

from airbyte_source.source import Source
from rest_tap.airbyte import describe, estimate, redactor, shortfall
from tap_kananas.tap import TapKananas

SOURCE = Source(
    name="source-kananas",
    title="Kananas",
    tap=TapKananas,
    # Airbyte has no word for rows that vanished, and starts a read alone.
    fixed={"emit_activate_version_messages": False, "discovery_folder": None},
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
