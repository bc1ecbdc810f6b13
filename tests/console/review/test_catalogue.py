"""No text of the review page lacks its French, and no word of the rules does."""

from __future__ import annotations

import csv
import errno
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from console.review.app import Settings, in_language
from console.review.gate import LOOPBACK, MAX_BODY, Sessions
from console.review.lists import STATES
from tests.console.marked import Marked, unmarked
from tests.console.review.copy import make
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


class _Looking:
    """A visitor for whom each page is looked at: all that it says is of the catalogue."""

    def __init__(self, server: Server) -> None:
        self.visitor = server.visitor()
        self.csrf = dict(self.visitor.buttons[0].values).get("csrf", "")
        self.look()

    def look(self, status: int = 200) -> None:
        assert unmarked(self.visitor.html) == [], self.visitor.path
        assert self.visitor.status == status, self.visitor.text

    def go(self, path: str, status: int = 200) -> None:
        self.visitor.go(path)
        self.look(status)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.visitor.press(key)
            self.look()

    def post(self, path: str, status: int = 200, **values: str) -> None:
        self.visitor.post(path, {"csrf": self.csrf, **values})
        self.look(status)


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All texts of the catalogues in brackets."""
    monkeypatch.setattr("console.texts.translations", lambda *_: Marked())
    in_language.cache_clear()
    yield
    in_language.cache_clear()


def _fail(number: int) -> None:
    raise OSError(number, os.strerror(number))


@pytest.mark.usefixtures("marked")
def test_no_page_says_anything_that_is_not_in_the_catalogue(
    published: Path, tmp_path: Path
) -> None:
    command = (sys.executable, "-c", "raise SystemExit(3)")
    with serving(published, tmp_path / "decisions.jsonl", command=command) as server:
        page, other = _Looking(server), server.visitor()
        page.press("y", "l", "a", "q", "n", "u")
        for words, label in (("élan", ""), ("nobody", ""), ("roy", "contacts"), ("-", "contacts")):
            page.go("/companies")
            page.visitor.search(words, label)
            page.look()
        page.go("/persons")
        page.press("y", "n")
        page.go("/duplicates")
        page.press("y", "n", "l")
        for tab, states in STATES.items():
            for state in states:
                page.post("/list", tab=tab, state=state)
            page.post("/narrow", tab=tab, do="list")
            page.post("/narrow", tab=tab)
        page.go("/audit")
        page.go("/decided")
        page.go("/companies")
        # Another page is faster.
        other.go("/companies")
        other.press("y")
        page.press("n")
        page.post("/run", tab="companies")
        while page.visitor.web.get(f"{server.base}/run").json()["running"]:
            pass
        page.go("/companies")
        page.post("/logout")


@pytest.mark.usefixtures("marked")
def test_no_fault_is_told_in_words_that_are_not_in_the_catalogue(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions = tmp_path / "decisions.jsonl"
    with serving(published, decisions) as server:
        page = _Looking(server)
        page.press("y")
        for number in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO):
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", lambda _, number=number: _fail(number))
                page.press("n")
                assert "Not saved." in page.visitor.text
        with decisions.open("ab") as end:
            end.write(b'{"id":"x"}\n')
        page.go("/decided")
        decisions.rename(tmp_path / "kept")
        decisions.mkdir()
        page.go("/companies", 503)
        decisions.rmdir()
        # No copy, none that can be read, one of another version, one without questions.
        published.write_bytes(b"no database at all, but long enough to be looked at" * 100)
        page.go("/companies", 503)
        published.unlink()
        page.go("/companies", 503)
        make(published, 80, 40, "alter table marts.link_review_queue drop review_rank")
        page.go("/companies", 503)
        make(published, 80, 0, "drop table marts.possible_duplicates")
        page.go("/companies")
        page.go("/duplicates")
        with monkeypatch.context() as patch:
            patch.setattr("console.review.app.to_file", lambda *_: _fail(errno.ENOSPC))
            page.go("/export/decisions.csv", 507)
            patch.setattr(server.review.questions, "open", lambda *_: _fail(errno.EIO))
            page.go("/companies", 500)


@pytest.mark.usefixtures("marked")
def test_what_is_refused_is_told_in_the_words_of_the_catalogue(
    published: Path, tmp_path: Path
) -> None:
    moment, decisions = [0.0], tmp_path / "decisions.jsonl"
    sessions = Sessions(60, "Ida", lambda: moment[0])
    with serving(published, decisions, sessions=sessions) as server:
        page = _Looking(server)
        page.post("/decide", 400)
        page.post("/decide", 403, csrf="")
        page.go("/nothing", 404)
        page.go("/static/nothing", 404)
        page.post("/companies", 405)
        page.post("/search", 413, words="x" * MAX_BODY)
        page.visitor.post("/", {}, Host="evil.example")
        page.look(421)
        moment[0] = 100
        page.post("/decide", 403)
        assert "What you sent last was not saved." in page.visitor.text
    settings = Settings(LOOPBACK, password="right")
    with serving(published, decisions, settings=settings) as server:
        page = _Looking(server)
        page.post("/logout")
        page.go("/login")
        for _ in range(10):
            page.post("/login", 403, author="x", password="wrong")
        page.post("/login", 429, author="x", password="wrong")


def test_a_language_that_was_chosen_outlives_the_session(published: Path, tmp_path: Path) -> None:
    moment = [0.0]
    sessions = Sessions(60, "Ida", lambda: moment[0])
    with serving(published, tmp_path / "decisions.jsonl", sessions=sessions) as server:
        visitor = server.visitor(Accept_Language="en")
        button = next(each for each in visitor.buttons if ("language", "fr") in each.values)
        visitor.submit(button)
        moment[0] = 100
        visitor.go("/companies")
        assert visitor.status == 403
        assert '<html lang="fr">' in visitor.html
