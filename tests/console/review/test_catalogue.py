"""No text of the review page lacks its French, and no word of the rules does."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from tests.console.review.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.console.review.serving import Server

ROOT = Path(__file__).resolve().parents[3]
PLACE = re.compile(r"%\(\w+\)s|<[^>]+>")
KEYWORDS = {"_": None, "texts": None, "count": (1, 2)}
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]

Text = str | tuple[str, ...]


@pytest.fixture(scope="module")
def server(made_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One page for all tests that change nothing."""
    with serving(made_copy, tmp_path_factory.mktemp("decisions") / "decisions.jsonl") as page:
        yield page


def catalogue(name: str) -> dict[Any, Any]:
    with (ROOT / f"console/locale/fr/{name}.po").open("rb") as file:
        return {
            each.id: each.string
            for each in read_po(file, locale="fr", abort_invalid=True)
            if each.id and not each.fuzzy
        }


def forms(text: Text) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else text


def test_no_text_is_missing_and_none_is_left_over() -> None:
    found = extract_from_dir(
        str(ROOT / "console" / "review"), method_map=METHODS, keywords=KEYWORDS
    )
    needed = {message for _, _, message, _, _ in found}
    known = catalogue("review")
    assert len(needed) > 90
    assert needed == known.keys()
    assert [text for text, french in known.items() if not all(forms(french))] == []


def test_a_translation_has_the_places_and_marks_of_its_text() -> None:
    for text, french in catalogue("review").items():
        expected = sorted(PLACE.findall(forms(text)[-1]))
        assert sorted(PLACE.findall(forms(french)[-1])) == expected, text


def test_each_level_without_a_wording_is_told_by_its_feature() -> None:
    page = (ROOT / "console/review/templates/question.html").read_text(encoding="utf-8")
    told = set(re.findall(r'^  "(\w+)": _\(', page, re.MULTILINE))
    for seed in ("link_levels", "person_levels"):
        with (ROOT / f"dbt_project/seeds/{seed}.csv").open(encoding="utf-8", newline="") as file:
            assert {row["feature"] for row in csv.DictReader(file) if not row["wording"]} <= told


def test_each_wording_of_the_rules_has_a_translation() -> None:
    assert all(catalogue("wordings").values())


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("de, en;q=0.5, fr;q=0.9", "fr"),
        ("en, fr;q=0.9", "en"),
        ("fr;q=0, en;q=0.1", "en"),
        ("de", "en"),
        ("fr;q=x", "en"),
        ("", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_asks_for(
    server: Server, wanted: str, language: str
) -> None:
    visitor = server.visitor(Accept_Language=wanted)
    assert f'<html lang="{language}">' in visitor.html
    if language == "fr":
        assert "1 sur 40, les plus utiles d’abord" in visitor.text  # noqa: RUF001 - French
        assert "les noms sont les mêmes" in visitor.text
    visitor.click("en" if language == "fr" else "fr")


def test_the_language_can_be_chosen(server: Server) -> None:
    visitor = server.visitor(Accept_Language="en")
    button = next(each for each in visitor.buttons if ("language", "fr") in each.values)
    visitor.submit(button)
    assert '<html lang="fr">' in visitor.html
    assert '<html lang="fr">' in (visitor.go("/decided") and visitor.html)
