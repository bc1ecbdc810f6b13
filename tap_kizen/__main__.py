"""Run the tap as `python -m tap_kizen`."""

from __future__ import annotations

from tap_kizen.tap import TapKizen

TapKizen.cli()
