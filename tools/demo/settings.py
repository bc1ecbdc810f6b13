"""Where the demos run, and the settings that lead the taps to the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.credentials import Credentials

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "output" / "demo"
PUBLISHED = OUTPUT / "published" / "warehouse.duckdb"


def environment(facts: dict[str, Any]) -> dict[str, str]:
    """Give the settings that lead the taps to the sandbox.

    Args:
        facts: What the sandbox says of itself.
    """
    credentials = Credentials.from_environment()
    return {
        "TAP_KANANAS_API_URL": facts["kananas_url"],
        "TAP_KANANAS_SECRET_KEY": credentials.kananas_token,
        "TAP_KIZEN_API_URL": facts["kizen_url"],
        "TAP_KIZEN_API_KEY": credentials.kizen_api_key,
        "TAP_KIZEN_USER_ID": credentials.kizen_user_id,
        "TAP_KIZEN_BUSINESS_ID": credentials.kizen_business_id,
        "DUCKDB_PATH": str(OUTPUT / "warehouse.duckdb"),
        "DUCKDB_PUBLISH_DIR": str(PUBLISHED.parent),
        "NO_COLOR": "1",
    }
