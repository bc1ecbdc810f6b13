"""The project as an orchestrator finds it: set up, over the sandbox, with files of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.server import running
from tests import servers
from tests.e2e.checkout import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@pytest.fixture
def project_environment(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """The environment of a run."""
    with running(servers.SMALL) as server:
        yield {
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "MELTANO_ENVIRONMENT": "dev",
            "MELTANO_DATABASE_URI": f"sqlite:///{tmp_path / 'meltano.db'}",
            "DUCKDB_PATH": str(tmp_path / "warehouse.duckdb"),
            "DUCKDB_PUBLISH_DIR": str(tmp_path / "published"),
            "DUCKDB_DECISIONS_PATH": str(tmp_path / "decisions.jsonl"),
            **settings_for(server),
        }
