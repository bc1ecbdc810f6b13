"""Texts of the pages in each language; nothing that a record says is unescaped."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

import pytest

from console import texts as module
from console.pages import LONGEST, environment
from console.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PO = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

msgid "%(name)s waits"
msgstr "%(name)s attend"

msgid "one contact"
msgid_plural "%(count)s contacts"
msgstr[0] "%(count)s contact"
msgstr[1] "%(count)s contacts"
"""


@pytest.fixture(autouse=True)
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "page.po").write_text(PO, encoding="utf-8")
    monkeypatch.setattr(module, "_LOCALE", tmp_path)
    module.translations.cache_clear()
    yield
    module.translations.cache_clear()


def test_a_text_in_each_language_with_escaped_values() -> None:
    assert Texts("page", "en")("%(name)s waits", name="<b>") == "&lt;b&gt; waits"
    assert Texts("page", "fr")("%(name)s waits", name="<b>") == "&lt;b&gt; attend"


def test_a_number_of_things() -> None:
    english, french = Texts("page", "en"), Texts("page", "fr")
    words = ("one contact", "%(count)s contacts")
    assert [english.count(*words, n) for n in (0, 1, 1040)] == [
        "0 contacts", "one contact", "1,040 contacts",
    ]  # fmt: skip
    assert [french.count(*words, n) for n in (0, 1, 1040)] == [
        "0 contact", "1 contact", "1\u202f040 contacts",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (0, "0%", "0\xa0%"),
        (0.0004, "0.04%", "0,04\xa0%"),
        (0.52, "52%", "52\xa0%"),
        (0.996, "99.6%", "99,6\xa0%"),
        (0.99999999, "99.999%", "99,999\xa0%"),
        (1, "100%", "100\xa0%"),
    ],
)
def test_a_share_is_not_rounded_to_nothing_or_all(value: float, english: str, french: str) -> None:
    assert Texts("page", "en").share(value) == english
    assert Texts("page", "fr").share(value) == french


def test_days_and_moments() -> None:
    moment = datetime(2026, 11, 28, 6, 12, 59, tzinfo=timezone.utc)
    english = Texts("page", "en", timezone.utc)
    french = Texts("page", "fr", timezone.utc)
    assert english.moment(moment) == "28 Nov 2026, 06:12"
    assert french.moment(moment) == "28 nov. 2026, 06:12"
    assert french.moment(moment, weekday=True) == "samedi 28 nov. 2026, 06:12"
    assert english.day(date(2026, 11, 28)) == "28 November 2026"
    assert french.day(date(2026, 11, 28)) == "28 novembre 2026"


def test_what_a_record_says_is_escaped_kept_apart_and_cut(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ name|of_record }} {{ plain }}", encoding="utf-8")
    template = environment(Texts("page", "en"), tmp_path).get_template("page.html")
    shown = template.render(name="<b>\0\u202eé\x85", plain="<i>")
    assert shown == "<bdi>&lt;b&gt;\u2400\u202eé\ufffd</bdi> &lt;i&gt;"
    assert len(template.render(name="x" * 1000, plain="")) == LONGEST + len("<bdi></bdi> ")
