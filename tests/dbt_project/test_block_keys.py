"""Blocking keys, half of the rows that linking goes through, are made without copies of tables."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.dbt_project.project import Project

RUN = ("run", "--select", "+int_links__block_keys")


@pytest.fixture(scope="module")
def keys(project: Project, database_path: Path, seeds: Path) -> Path:
    shutil.copyfile(seeds, database_path)
    run = project.run(database_path, *RUN)
    assert run.exit_code == 0, run.output
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
