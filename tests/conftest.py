"""What all tests share: a running stand-in of both services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.server import running
from tests import servers
from tests.scheduling import LoadFolderScheduling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer  # type: ignore[import-untyped]

    from sandbox.server import Sandbox


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFolderScheduling:
    return LoadFolderScheduling(config, log)


def pytest_unconfigure() -> None:
    servers.stop()


@pytest.fixture
def shared_sandbox() -> Sandbox:
    """A small account that no test changes."""
    return servers.shared_sandbox()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small account of the test's own, to change and to disturb."""
    with running(servers.SMALL) as server:
        yield server
