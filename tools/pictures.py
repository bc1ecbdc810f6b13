"""Take the pictures of both pages that the docs show, from the demo's data: `make pictures`.

The demo's data is invented. The test of `make demo` takes the pictures by the same function.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.browser import ABSENT, browser, chromium
from tools.demo.settings import PUBLISHED, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

DOCS = ROOT / "docs"
MOST_BYTES = 200_000


class PictureError(Exception):
    """A picture would not show what the docs say that it shows."""


@dataclass(frozen=True)
class Picture:
    """A picture of the docs: its size in pixels, and words that stand on the page."""

    name: str
    width: int
    height: int
    words: tuple[str, ...]


REPORT = Picture(
    "report.png", 1000, 1330,
    ("Everything is fresh.", "contacts in Kananas", "Who has a company?", "Yes, and that is sure"),
)  # fmt: skip
QUESTION = Picture(
    "review.png", 900, 980,
    ("1 of ", "most useful first", "yes, this one", "alike …", "Why it is proposed"),
)  # fmt: skip
LIST = Picture("review-list.png", 900, 700, ("resting on", "with the words", "Back to the queue"))
PICTURES = (REPORT, QUESTION, LIST)


def take(opened: Browser, published: Path, folder: Path) -> None:
    """Take all pictures.

    Args:
        opened: The browser.
        published: The published copy; the report stands beside it.
        folder: Where the pictures go.

    Raises:
        PictureError: Words are missing from a page, or its script failed.
    """
    with _shown(opened, REPORT) as page:
        page.goto(published.with_name("report.html").as_uri())
        _save(page, REPORT, folder)
    with _serving(published) as address, _shown(opened, QUESTION) as page:
        page.goto(address)
        _save(page, QUESTION, folder)
        page.click("a[data-key=i]")
        page.set_viewport_size({"width": LIST.width, "height": LIST.height})
        _save(page, LIST, folder)


@contextmanager
def _shown(opened: Browser, picture: Picture) -> Iterator[Page]:
    """Open a page as large as a picture; an error of its script is one of the picture."""
    context = opened.new_context(
        locale="en-GB",
        color_scheme="light",
        viewport={"width": picture.width, "height": picture.height},
    )
    errors: list[str] = []
    try:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
    finally:
        context.close()
    if errors:
        raise PictureError("; ".join(errors))


def _save(page: Page, picture: Picture, folder: Path) -> None:
    said = page.inner_text("body")
    if missing := [words for words in picture.words if words not in said]:
        message = f"{picture.name}: the page does not say {', '.join(missing)}"
        raise PictureError(message)
    page.screenshot(path=folder / picture.name)


@contextmanager
def _serving(copy: Path) -> Iterator[str]:
    """Serve the review page over a copy, with no decision yet; yield its one-time address."""
    with tempfile.TemporaryDirectory() as folder:
        program = subprocess.Popen(  # noqa: S603 - this project's own
            [sys.executable, "-m", "console.review", "--db", str(copy), "--port", "0",
             "--decisions", str(Path(folder, "decisions.jsonl")), "--author", "Ida",
             "--project", folder],
            stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        try:
            assert program.stdout is not None  # noqa: S101 - it is a pipe
            program.stdout.readline()
            yield program.stdout.readline().strip()
        finally:
            program.terminate()
            program.communicate()


def main() -> int:
    """Take the pictures of the docs; 1 where one is wrong, 2 where something is missing."""
    path = chromium()
    if path is None or not PUBLISHED.with_name("report.html").is_file():
        print(ABSENT if path is None else "run `make demo` first", file=sys.stderr)
        return 2
    try:
        with browser(path) as opened:
            take(opened, PUBLISHED, DOCS)
    except PictureError as error:
        print(error, file=sys.stderr)
        return 1
    sizes = {picture.name: (DOCS / picture.name).stat().st_size for picture in PICTURES}
    for name, size in sizes.items():
        print(f"docs/{name}: {size:,} bytes")
    return 1 if max(sizes.values()) > MOST_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
