"""What the tests of all pages share: one Chromium, as Playwright allows one in a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.browser import ABSENT, browser, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def opened() -> Iterator[Browser]:
    """The Chromium of this machine."""
    path = chromium()
    if path is None:
        pytest.skip(ABSENT)
    with browser(path) as started:
        yield started
