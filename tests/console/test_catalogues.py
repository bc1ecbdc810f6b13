"""Every text has a translation into every language, with the same places for values."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from console.texts import LANGUAGES, SOURCE, known_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from babel.messages.catalog import Catalog

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "console" / "locale"
#: The page of each catalogue: where its texts stand.
PAGES = {"report": ROOT / "console" / "report"}
TRANSLATED = [(page, each) for page in PAGES for each in LANGUAGES if each != SOURCE]

KEYWORDS = {
    "_": None, "N_": None, "NN_": (1, 2), "texts": None, "_texts": None, "count": (1, 2),
}  # fmt: skip
PLACE = re.compile(r"%\((\w+)\)s")


def texts(folder: Path) -> set[str | tuple[str, ...]]:
    """The texts of the code and the templates in a folder."""
    methods = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
    found = extract_from_dir(str(folder), method_map=methods, keywords=KEYWORDS)
    return {message for _, _, message, _, _ in found}


def catalogue(page: str, language: str) -> Catalog:
    with (LOCALE / language / f"{page}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def test_each_language_has_a_catalogue_of_each_page() -> None:
    files = {str(file.relative_to(LOCALE)) for file in LOCALE.rglob("*.po")}
    assert {f"{language}/{page}.po" for page, language in TRANSLATED} <= files


@pytest.mark.parametrize(("page", "language"), TRANSLATED)
def test_no_text_is_missing_and_none_is_left_over(page: str, language: str) -> None:
    known = {
        message.id: message.string
        for message in catalogue(page, language)
        if message.id and not message.fuzzy and all(_as_tuple(message.string))
    }
    needed = texts(PAGES[page])
    assert len(needed) > 100
    assert needed - known.keys() == set()
    assert known.keys() - needed == set()


@pytest.mark.parametrize(("page", "language"), TRANSLATED)
def test_a_translation_has_the_places_of_its_text(page: str, language: str) -> None:
    for message in catalogue(page, language):
        if not message.id:
            continue
        # What there is one of need not be counted.
        *_, widest = _as_tuple(message.id)
        *_, last = _as_tuple(message.string)
        assert _values(last) == _values(widest), message.id
        for translation in _as_tuple(message.string):
            assert _values(translation) <= _values(widest), message.id
            assert translation % dict.fromkeys(PLACE.findall(translation), "x")
            assert "<" not in translation


def _as_tuple(text: str | Sequence[str] | None) -> tuple[str, ...]:
    return (text or "",) if isinstance(text, str | None) else tuple(text)


def _values(text: str) -> set[str]:
    return set(PLACE.findall(text))


def test_the_words_of_the_links_are_those_of_the_seeds() -> None:
    """And those that the models write beside them."""
    seeds = ROOT / "dbt_project" / "seeds"
    words = set()
    for seed in ("link_levels", "person_levels", "duplicate_levels"):
        with (seeds / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
            words |= {row["wording"] for row in csv.DictReader(file) if row["wording"]}
    assert len(words) > 90
    tiers = _model("tiers")
    cautions = tiers[tiers.index("as tier") : tiers.index("as caution")]
    proposed = _model("decided").partition("proposed as (")[2].partition("from weighed")[0]
    beside = proposed[proposed.index("as evidence_address") : proposed.index("as reasons")]
    written = re.compile(r"(?:then|else) '((?:[^']|'')+)'")
    words |= {
        word.replace("''", "'") for text in (cautions, beside) for word in written.findall(text)
    }
    assert "too little agrees" in words
    assert "no other company agrees as well" in words
    # A name follows some of them.
    words = {f"{word}%(name)s" if word.endswith(", ") else word for word in words}
    assert words <= known_texts("wordings")


def _model(name: str) -> str:
    folder = ROOT / "dbt_project" / "models" / "intermediate" / "links"
    return (folder / f"int_links__{name}.sql").read_text(encoding="utf-8")
