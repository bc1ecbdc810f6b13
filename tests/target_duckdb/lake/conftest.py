from __future__ import annotations

import itertools
import os
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.target_duckdb.lake import homes
from tests.target_duckdb.real_taps import PASSWORD, Postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = itertools.count()


def pytest_configure() -> None:
    # All workers draw by one seed.
    os.environ["SEED"] = os.environ.get("SEED") or str(random.SystemRandom().randrange(10**9))


def pytest_report_header() -> str:
    return f"SEED={os.environ['SEED']}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server; whoever runs it has to reach its folder."""
    with tempfile.TemporaryDirectory(prefix="check-lake-") as name:
        os.environ["PGPASSWORD"] = PASSWORD
        folder = Path(name)
        folder.chmod(0o711)
        data = folder / "postgres"
        data.mkdir()
        with Postgres(data).running() as server:
            yield server


@pytest.fixture
def make_home_in(postgres: Postgres) -> Callable[[str, Path], homes.Home]:
    """What makes a lake of a kind in a folder."""
    return lambda kind, folder: homes.make(kind, folder, f"lake_{next(NAMES)}", postgres)


@pytest.fixture
def make_home(
    tmp_path: Path, make_home_in: Callable[[str, Path], homes.Home]
) -> Callable[[str], homes.Home]:
    """What makes a lake of a kind."""
    return lambda kind: make_home_in(kind, tmp_path)
