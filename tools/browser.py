"""The Chromium of this machine, by Playwright: for tests of the pages, and their pictures."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
ABSENT = "no Chromium on this machine (on Debian: apt install chromium)"


def chromium() -> str | None:
    """Return the path of Chromium; `CHROMIUM` names another one. None where there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser(path: str) -> Iterator[Browser]:
    """Run Chromium without a window."""
    # Root has no sandbox of Chromium's; what is opened here was made here.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=options)
        try:
            yield started
        finally:
            started.close()
