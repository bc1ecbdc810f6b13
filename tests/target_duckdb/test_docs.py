"""The page about the target says what the target does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from target_duckdb.names import suffixed
from target_duckdb.target import TargetDuckDB
from tests.target_duckdb.helpers import load, query, record, schema

PAGE = Path(__file__).parents[2] / "docs" / "target-duckdb.md"


def test_every_setting_is_on_the_page() -> None:
    definition = TargetDuckDB.config_jsonschema
    TargetDuckDB.append_builtin_config(definition)
    section = PAGE.read_text(encoding="utf-8").split("## Settings")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    shown = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert shown == set(definition["properties"])


def test_the_names_on_the_page() -> None:
    assert suffixed("id") == "id_a5614527"
    assert "`id_a5614527`" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("column", ["stream", "reason", "record", "quarantined_at", "line_number"])
def test_the_quarantine_on_the_page(tmp_path: Path, column: str) -> None:
    path = tmp_path / "test.duckdb"
    messages = [schema({"created": {"type": ["string", "null"]}}, stream="companies")]
    bad = record({"created": 5}, stream="companies")
    load(path, [*messages, bad], on_invalid_record="quarantine")
    ((value, reason),) = query(path, f"SELECT {column}::VARCHAR, reason FROM _quarantine")
    assert value is not None
    text = PAGE.read_text(encoding="utf-8")
    assert f"`{column}`" in text
    assert reason in text
