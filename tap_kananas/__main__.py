"""Run the tap as `python -m tap_kananas`."""

from __future__ import annotations

from tap_kananas.tap import TapKananas

TapKananas.cli()
