"""Accounts of each kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sandbox.server import running
from tests import servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import Sandbox


@pytest.fixture
def legacy_sandbox() -> Iterator[Sandbox]:
    """An account of the test's own on which only the older API answers."""
    with running(replace(servers.SMALL, kizen_account="legacy")) as server:
        yield server
