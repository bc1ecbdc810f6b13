"""What all tests share: a running stand-in of both services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.server import running
from tests import servers
from tests.scheduling import LoadFolderScheduling, longest_first
from tests.warm_dbt import warm_dbt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xdist.remote import Producer  # type: ignore[import-untyped]

    from sandbox.server import Sandbox


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFolderScheduling:
    return LoadFolderScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


def pytest_unconfigure() -> None:
    servers.stop()


@pytest.fixture(scope="session")
def dbt_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A program that does what dbt's does, and starts at once."""
    with warm_dbt(tmp_path_factory.getbasetemp() / "warm_dbt") as program:
        yield program


@pytest.fixture
def shared_sandbox() -> Sandbox:
    """A small account that no test changes."""
    return servers.shared_sandbox()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small account of the test's own, to change and to disturb."""
    with running(servers.SMALL) as server:
        yield server
