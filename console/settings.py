"""The settings of these programs: environment variables, or lines of `.env`, as for Meltano."""

from __future__ import annotations

import os

from dotenv import dotenv_values


def variables() -> dict[str, str]:
    """Return all variables of `.env` in this folder, and of the environment, which win."""
    of_file = {name: value or "" for name, value in dotenv_values(".env").items()}
    return {**of_file, **os.environ}
