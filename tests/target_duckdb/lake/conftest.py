from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.target_duckdb.lake import homes
from tests.target_duckdb.real_taps import PASSWORD, Postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = itertools.count()


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
def make_home(tmp_path: Path, postgres: Postgres) -> Callable[[str], homes.Home]:
    """What makes a lake of a kind."""
    return lambda kind: homes.make(kind, tmp_path, f"lake_{next(NAMES)}", postgres)
