"""What the tests of all pages share: a Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.browser import ABSENT, browser, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    """The Chromium of this machine.

    Playwright leaves an event loop running in the thread until it is stopped: it ends with each
    module, so that the next one can call `asyncio.run`.
    """
    path = chromium()
    if path is None:
        pytest.skip(ABSENT)
    with browser(path) as started:
        yield started
