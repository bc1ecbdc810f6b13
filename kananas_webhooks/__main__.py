"""Run the receiver as `python -m kananas_webhooks`."""

from __future__ import annotations

import sys

from kananas_webhooks.cli import main

sys.exit(main())
