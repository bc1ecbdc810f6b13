"""A receiver that tests share when they only send to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kananas_webhooks.receivers import ReceiverProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiverProcess]:
    """A receiver with its defaults, but for bodies of at most 100,000 bytes."""
    folder = tmp_path_factory.mktemp("receiver")
    with ReceiverProcess(folder, "--max-body", "100000") as process:
        yield process
