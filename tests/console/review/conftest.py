"""A published copy that is made once, and pages over it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.console.review.copy import make
from tests.console.review.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.console.review.serving import Server, Visitor


@pytest.fixture(scope="session")
def made_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("copy") / "warehouse.duckdb")


@pytest.fixture
def published(made_copy: Path, tmp_path: Path) -> Path:
    """A copy of the test's own."""
    folder = tmp_path / "published"
    folder.mkdir()
    return shutil.copyfile(made_copy, folder / "warehouse.duckdb")


@pytest.fixture
def server(published: Path, tmp_path: Path) -> Iterator[Server]:
    with serving(published, tmp_path / "decisions.jsonl") as page:
        yield page


@pytest.fixture
def visitor(server: Server) -> Visitor:
    return server.visitor()
