"""Take the pictures of docs/review.md from the demo's invented data: `make review-picture`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.browser import ABSENT, browser, chromium

ROOT = Path(__file__).resolve().parent.parent
QUESTION, LIST = ROOT / "docs" / "review.png", ROOT / "docs" / "review-list.png"
COPY = ROOT / "output" / "demo" / "published" / "warehouse.duckdb"
MOST_BYTES = 200_000


def main() -> int:
    """Serve the page over the demo's copy, and take pictures of its first question and its list."""
    path = chromium()
    if path is None or not COPY.is_file():
        print(ABSENT if path is None else "run `make demo` first", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        program = subprocess.Popen(  # noqa: S603 - this project's own
            [sys.executable, "-m", "console.review", "--db", str(COPY), "--port", "0",
             "--decisions", str(Path(folder) / "decisions.jsonl"), "--author", "Ida"],
            stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ,
        )  # fmt: skip
        try:
            assert program.stdout is not None  # noqa: S101 - it is a pipe
            program.stdout.readline()
            address = program.stdout.readline().strip()
            with browser(path) as started:
                page = started.new_page(locale="en-GB", viewport={"width": 900, "height": 980})
                page.goto(address)
                page.screenshot(path=QUESTION)
                page.click("a[data-key=i]")
                page.screenshot(path=LIST, clip={"x": 0, "y": 0, "width": 900, "height": 700})
        finally:
            program.terminate()
            program.wait()
    sizes = {picture: picture.stat().st_size for picture in (QUESTION, LIST)}
    for picture, size in sizes.items():
        print(f"{picture.relative_to(ROOT)}: {size:,} bytes")
    return 1 if max(sizes.values()) > MOST_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
