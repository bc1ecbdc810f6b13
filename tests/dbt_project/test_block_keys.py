"""Blocking keys, half of the rows that linking goes through, are made without copies of tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.dbt_project.project import Project

BUILD = ("build", "--exclude-resource-type", "test", "unit_test", "--select")


@pytest.fixture(scope="module")
def keys(project: Project, database_path: Path) -> Path:
    database_path.unlink(missing_ok=True)
    build = project.run(database_path, *BUILD, "+int_links__block_keys")
    assert build.exit_code == 0, build.output
    return database_path


def stored(plan: dict[str, Any]) -> Iterator[str]:
    """What stands first below each common table expression that is stored before it is read."""
    if plan["name"].strip() == "CTE":
        yield plan["children"][0]["name"].strip()
    for child in plan["children"]:
        yield from stored(child)


@pytest.mark.parametrize("view", ["int_contacts__block_keys", "int_companies__block_keys"])
def test_no_table_is_copied_to_be_read_by_several_queries(keys: Path, view: str) -> None:
    with duckdb.connect(keys, read_only=True) as connection:
        query = f"explain (format json) from intermediate.{view}"
        ((_, plan),) = connection.execute(query).fetchall()
    parts = list(stored(*json.loads(plan)))
    assert parts, plan
    assert "SEQ_SCAN" not in parts
