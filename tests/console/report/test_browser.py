"""The report in a real browser: nothing runs, everything is seen, in every form it is read in."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from console.pages import LONGEST
from console.report.page import Settings
from tests.console.phone import faults
from tests.console.report.mornings import HOSTILE
from tests.console.report.warehouse import NOW, Warehouse, large, page
from tools.browser import ABSENT, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

if chromium() is None:
    pytest.skip(ABSENT, allow_module_level=True)

LANGUAGES = {"en": "en-GB", "fr": "fr-CH"}


@contextmanager
def showing(opened: Browser, text: str, folder: Path, **options: Any) -> Iterator[Page]:
    """Open a page from a file; whatever it asks for elsewhere, or complains of, is an error."""
    file = folder / "report.html"
    file.write_text(text, encoding="utf-8")
    wrong: list[str] = []
    context = opened.new_context(**options)
    try:
        shown = context.new_page()
        shown.on("console", lambda message: wrong.append(message.text))
        shown.on("pageerror", lambda error: wrong.append(str(error)))
        shown.on("dialog", lambda dialog: wrong.append(dialog.message))
        shown.on("request", lambda request: wrong.append(request.url))
        # When it is read; a page that is older says so.
        shown.clock.set_fixed_time(NOW)
        shown.goto(file.as_uri())
        assert [each for each in wrong if each != file.as_uri()] == []
        yield shown
        assert [each for each in wrong if each != file.as_uri()] == []
    finally:
        context.close()


def test_nothing_that_a_record_says_runs(
    opened: Browser, hostile_copy: Path, tmp_path: Path
) -> None:
    assert len(HOSTILE) >= 30
    text = page(hostile_copy, Settings(queue_length=100))
    made_by_us = page(Warehouse(tmp_path).close())
    with showing(opened, made_by_us, tmp_path) as shown:
        scripts = shown.locator("script, style, meta, link, base").count()
    with showing(opened, text, tmp_path) as shown:
        assert shown.evaluate("window.harmed") is None
        assert shown.locator("script, style, meta, link, base").count() == scripts
        assert shown.locator("main img, iframe, form, textarea, main input").count() == 0
        assert shown.locator("[onload], [onerror], [onmouseover]").count() == 0
        assert shown.locator("main a:not([href^='#'])").count() == 0
        assert shown.locator("main").count() == 2
        # Everything under the pointer, opened and clicked: still nothing runs.
        shown.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        shown.evaluate("for (const each of document.querySelectorAll('main *')) each.click?.()")
        assert shown.evaluate("window.harmed") is None


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_record_says_is_seen_as_it_is(hostile_page: Page, name: str) -> None:
    rank = HOSTILE.index(name) + 1
    cells = hostile_page.locator(f"main.en .pair >> nth={rank - 1}").locator("td bdi")
    seen = cells.first.evaluate("each => each.textContent")
    shown = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
    # HTML has no control characters but these: what has none is shown by its picture.
    pictures = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421, 0x85: 0xFFFD}
    assert seen == shown.translate(pictures)


@pytest.fixture(scope="module")
def usual_text(usual_copy: Path) -> str:
    return page(usual_copy)


@pytest.fixture(scope="module")
def hostile_page(
    opened: Browser, hostile_copy: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    text = page(hostile_copy, Settings(queue_length=100))
    with showing(opened, text, tmp_path_factory.mktemp("page")) as shown:
        yield shown


def test_a_script_that_got_in_would_not_run(
    opened: Browser, usual_text: str, tmp_path: Path
) -> None:
    """The page's own policy forbids what the page does not need."""
    text = usual_text.replace(
        "<footer>", "<footer><script>window.harmed = 1</script><img src=x onerror='harmed = 2'>", 1
    )
    with (
        pytest.raises(AssertionError, match="Content Security Policy"),
        showing(opened, text, tmp_path) as shown,
    ):
        raise AssertionError(shown.evaluate("window.harmed"))  # pragma: no cover


@pytest.mark.parametrize(("language", "scheme"), [("en", "dark"), ("fr", "light")])
def test_no_rule_of_accessibility_is_broken(
    opened: Browser, usual_text: str, tmp_path: Path, language: str, scheme: str
) -> None:
    options = {"locale": LANGUAGES[language], "color_scheme": scheme}
    with showing(opened, usual_text, tmp_path, **options) as shown:
        shown.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        shown.evaluate("location.hash = document.documentElement.lang + '-rows-links-2'")
        found = Axe().run(shown)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_language_is_that_of_the_browser_and_can_be_changed(
    opened: Browser, usual_copy: Path, tmp_path: Path, language: str
) -> None:
    (other,) = LANGUAGES.keys() - {language}
    text = page(usual_copy, Settings(language=other))
    with showing(opened, text, tmp_path, locale=LANGUAGES[language]) as shown:
        assert _seen(shown) == [language]
        assert shown.title() == shown.locator(f"main.{language} h1").text_content()
        assert shown.get_attribute("html", "lang") == language
        shown.keyboard.press("Tab")
        shown.keyboard.press("ArrowRight" if language == "en" else "ArrowLeft")
        assert _seen(shown) == [other]
        assert shown.get_attribute("html", "lang") == other


def test_without_script_the_page_is_read_and_the_language_changed(
    opened: Browser, usual_copy: Path, tmp_path: Path
) -> None:
    text = page(usual_copy, Settings(language="fr"))
    with showing(opened, text, tmp_path, java_script_enabled=False, locale="en-GB") as shown:
        assert _seen(shown) == ["fr"]
        shown.get_by_label("English").check()
        assert _seen(shown) == ["en"]


def test_a_figure_shows_its_rows_and_they_lead_back(
    opened: Browser, usual_text: str, tmp_path: Path
) -> None:
    with showing(opened, usual_text, tmp_path, java_script_enabled=False) as shown:
        lists = shown.locator("main.en .rows")
        assert lists.count() > 20
        assert not any(lists.nth(each).is_visible() for each in range(lists.count()))
        shown.locator("main.en").get_by_role("link", name="20", exact=True).first.click()
        listed = shown.locator("#en-rows-links-2")
        assert listed.is_visible()
        assert listed.locator("tbody tr").count() == 20
        assert "where status = 'auto'" in listed.inner_text()
        listed.get_by_role("link", name="Back to the figures").click()
        assert not listed.is_visible()


def test_where_the_browser_asks_for_neither_the_setting_counts(
    opened: Browser, usual_copy: Path, tmp_path: Path
) -> None:
    text = page(usual_copy, Settings(language="fr"))
    with showing(opened, text, tmp_path, locale="nl-NL") as shown:
        assert _seen(shown) == ["fr"]


def _seen(shown: Page) -> list[str]:
    pages = shown.locator("main")
    return [
        str(pages.nth(each).get_attribute("lang"))
        for each in range(pages.count())
        if pages.nth(each).is_visible()
    ]


def test_a_page_that_has_grown_old_says_so(
    opened: Browser, usual_text: str, tmp_path: Path
) -> None:
    for hours, words in ((35, None), (36, "36 hours ago"), (80, "3 days ago")):
        with showing(opened, usual_text, tmp_path, locale="en-GB") as shown:
            shown.clock.set_fixed_time(NOW + timedelta(hours=hours))
            shown.reload()
            aged = shown.locator("main.en .aged")
            assert aged.is_visible() is (words is not None)
            if words is not None:
                assert f"This page was written {words}." in aged.inner_text()


@pytest.mark.parametrize("morning", ["usual_copy", "hostile_copy"])
def test_on_a_phone_nothing_is_wider_than_it_or_too_small_for_a_thumb(
    opened: Browser, morning: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    text = page(request.getfixturevalue(morning))
    options: dict[str, Any] = {"viewport": {"width": 320, "height": 640}, "locale": "fr-FR"}
    with showing(opened, text, tmp_path, is_mobile=True, has_touch=True, **options) as shown:
        shown.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert faults(shown) == []
        shown.evaluate("location.hash = 'fr-rows-links-2'")
        assert faults(shown) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_prints_on_two_pages(
    opened: Browser, usual_text: str, tmp_path: Path, language: str
) -> None:
    with showing(opened, usual_text, tmp_path, locale=LANGUAGES[language]) as shown:
        printed = shown.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2


def test_of_many_contacts_it_is_small(opened: Browser, tmp_path: Path) -> None:
    """How fast it is, `make check-report` tells."""
    text = page(large(tmp_path, 20_000, 5_000))
    assert len(text.encode()) < 1_000_000
    with showing(opened, text, tmp_path, locale="en-GB") as shown:
        assert "5,000" in unescape(shown.locator("main.en").inner_text())
