"""Take the picture of `docs/report.md` from the demo's report: `make picture`.

The demo's data is invented.
"""

from __future__ import annotations

import sys

from tools.browser import ABSENT, browser, chromium
from tools.demo.settings import PUBLISHED, ROOT

PICTURE = ROOT / "docs" / "report.png"
WIDTH, HEIGHT = 1000, 1330


def main() -> int:
    """Take the picture; return 1 where there is no Chromium or no report."""
    report, path = PUBLISHED.with_name("report.html"), chromium()
    if path is None or not report.is_file():
        print(ABSENT if path is None else f"there is no {report}: run `make demo`", file=sys.stderr)
        return 1
    with browser(path) as opened:
        shown = opened.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="en-GB")
        shown.goto(report.as_uri())
        shown.screenshot(path=PICTURE)
    print(PICTURE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
