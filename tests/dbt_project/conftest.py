"""Runs of dbt that several tests look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dbt_project.project import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The dbt project in a checkout of its own, whose path holds a space."""
    return Project.copied_to(tmp_path_factory.mktemp("a checkout"))


@pytest.fixture(scope="session")
def database_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One path with a space for all: dbt parses the project anew when the profile changes."""
    return tmp_path_factory.mktemp("raw data") / "ware-house.duckdb"


@pytest.fixture
def database(database_path: Path) -> Path:
    """The path of a DuckDB file that does not exist yet."""
    database_path.unlink(missing_ok=True)
    return database_path
