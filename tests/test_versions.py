"""One version: that of pyproject.toml stands wherever a version is named."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
VERSION = version("kananas-kizen-elt")
SECTION = re.compile(r"^## (.*)$", re.MULTILINE)
RELEASE = re.compile(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d")
IMAGE = re.compile(r"kananas-kizen-elt/source-\w+:([\w.]+)")


def releases() -> list[str]:
    return SECTION.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))


def test_the_changelog_has_a_dated_section_per_release() -> None:
    released = [section for section in releases() if section != "Unreleased"]
    assert [section for section in released if not RELEASE.fullmatch(section)] == []
    assert released[0].startswith(f"{VERSION} - ")
    numbers = [tuple(map(int, section.split(" ")[0].split("."))) for section in released]
    assert numbers == sorted(set(numbers), reverse=True)
    assert "Unreleased" not in releases()[1:]


def test_each_entry_of_the_changelog_is_one_line() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    entries = lines[lines.index(next(line for line in lines if line.startswith("## "))) :]
    assert [line for line in entries if not re.match(r"(## |### |\* |$)", line)] == []


@pytest.mark.parametrize(
    "page",
    [
        "docs/airbyte.md",
        *(f"packaging/airbyte/source-{n}/Dockerfile" for n in ("kananas", "kizen")),
    ],
)
def test_images_are_of_this_version(page: str) -> None:
    found = set(IMAGE.findall((ROOT / page).read_text(encoding="utf-8")))
    assert found == {VERSION}


def test_the_dbt_project_is_of_this_version() -> None:
    project = yaml.safe_load((ROOT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["version"] == VERSION


def test_upgrading_speaks_of_this_version() -> None:
    upgrading = (ROOT / "UPGRADING.md").read_text(encoding="utf-8")
    assert re.search(rf"^## From .* to {re.escape(VERSION)}$", upgrading, re.MULTILINE)
