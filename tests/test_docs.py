"""The pages for people: each link leads somewhere, and README.md stays short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 199

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
IN_CODE = re.compile(r"```.*?```", re.DOTALL)


def pages() -> list[Path]:
    """Every Markdown page of the project itself."""
    folders = {file.parent for file in ROOT.glob("*/*.md")}
    found = [*ROOT.glob("*.md"), *(file for folder in folders for file in folder.rglob("*.md"))]
    return sorted(file for file in found if "environments" not in file.parts)


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    found = set()
    for heading in HEADING.findall(IN_CODE.sub("", page)):
        words = re.sub(r"[^\w\- ]", "", heading.lower().replace("`", ""))
        found.add(words.replace(" ", "-"))
    return found


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere in this project."""
    text = page.read_text(encoding="utf-8")
    found = []
    for target in LINK.findall(CODE.sub("", text)):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (
            anchor and anchor not in anchors(file.read_text(encoding="utf-8"))
        ):
            found.append(target)
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A `b` heading: one\n", encoding="utf-8")
    page = tmp_path / "page.md"
    links = ["other.md", "other.md#a-b-heading-one", "other.md#two", "third.md", "#here"]
    page.write_text("\n".join(f"[x]({link})" for link in links), encoding="utf-8")
    assert broken(page) == ["other.md#two", "third.md", "#here"]


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_LINES
