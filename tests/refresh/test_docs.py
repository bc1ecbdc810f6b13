"""docs/operations.md names every setting, and README.md has its line for cron."""

from __future__ import annotations

import re
from pathlib import Path

from refresh.settings import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SETTING = re.compile(r"\bREFRESH_[A-Z_]+\b")


def test_every_setting_is_described_and_no_other() -> None:
    code = (ROOT / "refresh" / "settings.py").read_text(encoding="utf-8")
    listed, _, read = code.partition("VARIABLES = (")[2].partition("\n)")
    assert {*VARIABLES} == {*SETTING.findall(listed)} == {*SETTING.findall(read)}
    table = PAGE.partition("## Who is told")[2].partition("\n## ")[0]
    rows = "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| "))
    assert {*SETTING.findall(rows)} == {*SETTING.findall(code)}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert {*SETTING.findall(example)} <= {*SETTING.findall(code)}


def test_readme_has_the_line_for_cron() -> None:
    (line,) = re.findall(r"<!-- crontab -->\n```\n(.*)\n```", PAGE)
    assert f"```\n{line}\n```" in (ROOT / "README.md").read_text(encoding="utf-8")
