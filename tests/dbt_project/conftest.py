"""Runs of dbt that several tests look at."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.dbt_project.project import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which all processes that run tests keep what dbt parsed."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "parsed"


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, parsed: Path, dbt_program: Path) -> Project:
    """The dbt project in a checkout of its own, whose path holds a space."""
    return Project.copied_to(tmp_path_factory.mktemp("a checkout"), parsed, dbt_program)


@pytest.fixture(scope="session")
def database_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One path with a space for all: dbt parses the project anew when the profile changes."""
    return tmp_path_factory.mktemp("raw data") / "ware-house.duckdb"


@pytest.fixture
def database(database_path: Path) -> Path:
    """The path of a DuckDB file that does not exist yet."""
    database_path.unlink(missing_ok=True)
    return database_path


@pytest.fixture(scope="session")
def seeds(project: Project, database_path: Path) -> Path:
    """A DuckDB file that holds the seeds and no more."""
    database_path.unlink(missing_ok=True)
    run = project.run(database_path, "seed")
    assert run.exit_code == 0, run.output
    return database_path.rename(database_path.with_name("seeds.duckdb"))


@pytest.fixture
def seeded(seeds: Path, database: Path) -> Path:
    """The path of a DuckDB file that holds the seeds and no more, for this test alone."""
    shutil.copyfile(seeds, database)
    return database
