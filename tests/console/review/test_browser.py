"""The page in a real browser: by keyboard alone, killed in between, and looked at by axe-core."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from console.decisions.file import DecisionsFile
from console.decisions.standing import Standing
from tests.console.phone import faults
from tests.console.review.copy import make
from tests.console.review.serving import serving
from tests.console.review.test_safety import HOSTILE, make_hostile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Dialog, Page

    from console.decisions.decision import Decision
    from tests.console.review.serving import Server

ROOT = Path(__file__).resolve().parents[3]


class Program:
    """The page as a program of its own, which can be killed."""

    def __init__(self, copy: Path, decisions: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console.review", "--db", copy, "--decisions", decisions,
             "--port", "0", "--author", "Ida"],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout
        self.process.stdout.readline()
        self.address = self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start(published: Path, tmp_path: Path) -> Iterator[Callable[[], Program]]:
    """Start the page as a program of its own; none is left behind."""
    started: list[Program] = []

    def one_more() -> Program:
        started.append(Program(published, tmp_path / "decisions.jsonl"))
        return started[-1]

    yield one_more
    for program in started:
        if program.process.poll() is None:
            program.kill()


@pytest.fixture
def page(opened: Browser) -> Iterator[Page]:
    """A page in English; an error of its script fails the test."""
    context = opened.new_context(locale="en-GB")
    context.set_default_timeout(20_000)
    page = context.new_page()
    errors: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        errors.append(dialog.message)
        dialog.dismiss()

    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.on("dialog", dismissed)
    yield page
    context.close()
    assert errors == []


def press(page: Page, *keys: str) -> None:
    """Press keys, each once the page before it has come."""
    for key in keys:
        with page.expect_navigation():
            page.keyboard.press(key)


def leave(page: Page) -> None:
    """Go away before the server does: what the browser still asks for would be an error."""
    page.goto("about:blank")


def text(page: Page) -> str:
    return " ".join(page.inner_text("body").split())


def saved(decisions: Path) -> list[Decision]:
    return DecisionsFile(decisions).read()


def test_a_whole_review_by_keyboard_alone_killed_in_between(
    page: Page, start: Callable[[], Program], tmp_path: Path
) -> None:
    decisions = tmp_path / "decisions.jsonl"
    program = start()
    page.goto(program.address)
    press(page, *"yyy2yny")
    assert "8 of 40" in text(page)
    page.keyboard.press("e")
    page.keyboard.type("asked by phone: y, n, l")
    press(page, "Enter", "y")
    press(page, "l", "u", "y")
    assert "10 of 40" in text(page)
    told = {each.id for each in saved(decisions)}
    leave(page)
    program.kill()
    assert {each.id for each in saved(decisions)} == told

    # Half a line, as a kill in the midst of a write leaves it.
    with decisions.open("ab") as end:
        end.write(b'{"id":"torn","kind":"company_li')
    program = start()
    page.goto(program.address)
    assert "10 of 40" in text(page)
    press(page, "a", "y")
    assert "2 saved." in text(page)
    page.keyboard.press("s")
    page.keyboard.type("élan 17")
    press(page, "Enter", "1")
    press(page, *"yynu", "y")
    press(page, "l")
    page.keyboard.press("f")
    page.keyboard.type("roy 61")
    press(page, "Enter", "1", "1")
    press(page, "i")
    page.keyboard.press("f")
    page.keyboard.type("brest")
    press(page, "Enter", "g", "y", "i", "w", "q")
    for _ in range(3):
        page.keyboard.press("Tab")
    with page.expect_navigation():
        page.click("button[lang=fr]")
    assert "les plus utiles d’abord" in text(page)  # noqa: RUF001 - French
    press(page, "y")
    assert "Enregistré." in text(page)
    leave(page)
    program.kill()

    found = saved(decisions)
    standing = Standing.of(found)
    in_force = [each for each in found if standing.effect(each) == "in force"]
    assert told <= {each.id for each in found}
    assert len({each.action for each in in_force if each.decision != "undo"}) >= 17
    assert [each.contact_id for each in found if each.reason == "asked by phone: y, n, l"] == ["8"]
    assert "61" in {each.contact_id for each in found if each.decision == "force"}


def test_a_key_that_is_held_down_decides_once(page: Page, server: Server) -> None:
    page.goto(f"{server.base}/open/{server.review.sessions.one_time_token()}")
    with page.expect_navigation():
        page.evaluate(
            """() => {
                const down = (repeat) => document.dispatchEvent(
                    new KeyboardEvent("keydown", {key: "y", repeat, bubbles: true}));
                down(false); down(true); down(false); down(true);
            }"""
        )
    assert "2 of 40" in text(page)
    leave(page)
    assert len(server.decisions()) == 1


def test_keys_that_are_turned_off_decide_nothing(page: Page, server: Server) -> None:
    """Who dictates says letters by chance; buttons remain."""
    page.goto(f"{server.base}/open/{server.review.sessions.one_time_token()}")
    with page.expect_navigation():
        page.click("button[value=off]")
    page.keyboard.press("y")
    page.keyboard.press("n")
    with page.expect_navigation():
        page.click("button[value=on]")
    assert server.decisions() == []
    press(page, "y")
    leave(page)
    assert len(server.decisions()) == 1


def test_decisions_go_on_while_the_copy_is_replaced(
    page: Page, published: Path, tmp_path: Path
) -> None:
    """By runs, one after the other, as duckdb-publish does it."""
    other = make(tmp_path / "other.duckdb", 80, 40, "create table marts.more as select 1 as x")
    same = shutil.copyfile(published, tmp_path / "same.duckdb")
    stop = threading.Event()

    def publish() -> None:
        turn = 0
        while not stop.is_set():
            # As often as no run can publish.
            beside = published.with_name("new")
            shutil.copyfile((other, same)[turn % 2], beside)
            beside.replace(published)
            turn += 1
            stop.wait(0.2)

    with serving(published, tmp_path / "decisions.jsonl") as server:
        page.goto(f"{server.base}/open/{server.review.sessions.one_time_token()}")
        thread = threading.Thread(target=publish)
        thread.start()
        try:
            press(page, *"yyyyyyyy")
        finally:
            stop.set()
            thread.join()
        assert "9 of 40" in text(page)
        leave(page)
        assert len(server.decisions()) == 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(opened: Browser, server: Server, scheme: str) -> None:
    context = opened.new_context(
        locale="fr-FR" if scheme == "dark" else "en-GB",
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # the rules of axe are put into the page
    )
    page = context.new_page()
    axe = Axe()

    def check() -> None:
        faults = axe.run(page).response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in faults] == []

    page.goto(f"{server.base}/decided")
    check()
    page.goto(f"{server.base}/open/{server.review.sessions.one_time_token()}")
    check()
    press(page, "y", "a")
    check()
    if scheme == "dark":
        context.close()
        return
    press(page, "q")
    page.keyboard.press("s")
    page.keyboard.type("élan 1")
    press(page, "Enter")
    check()
    for path in ("persons", "duplicates", "decided", "list/companies", "list/duplicates"):
        page.goto(f"{server.base}/{path}")
        check()
    context.close()


def test_on_a_phone_nothing_is_wider_than_it_or_too_small_for_a_thumb(
    opened: Browser, tmp_path: Path
) -> None:
    """And axe finds no fault there, nor in what is refused."""
    copy = make_hostile(tmp_path / "warehouse.duckdb")
    context = opened.new_context(
        locale="fr-FR", viewport={"width": 320, "height": 640}, is_mobile=True, has_touch=True,
        bypass_csp=True,
    )  # fmt: skip
    page, axe = context.new_page(), Axe()

    def check() -> None:
        assert faults(page) == [], page.url
        wrong = axe.run(page).response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in wrong] == []

    with serving(copy, tmp_path / "decisions.jsonl") as server:
        for path in ("decided", "nothing"):
            page.goto(f"{server.base}/{path}")
            check()
        page.goto(f"{server.base}/open/{server.review.sessions.one_time_token()}")
        check()
        press(page, "y")
        page.keyboard.press("s")
        page.keyboard.type("a")
        press(page, "Enter")
        check()
        page.goto(f"{server.base}/persons")
        check()
        press(page, "a")
        check()
        for path in ("duplicates", "decided", "audit", "list/companies", "list/duplicates"):
            page.goto(f"{server.base}/{path}")
            check()
        context.close()


def test_hostile_names_are_shown_and_run_nothing(page: Page, tmp_path: Path) -> None:
    copy = make_hostile(tmp_path / "warehouse.duckdb")
    with serving(copy, tmp_path / "decisions.jsonl") as server:
        page.goto(f"{server.base}/open/{server.review.sessions.one_time_token()}")
        for name in HOSTILE[:8]:
            assert name in page.inner_text("thead th:nth-of-type(4)")
            assert page.evaluate("document.scripts.length") == 1
            press(page, "y")
        press(page, "i")
        assert HOSTILE[8] in page.inner_text("table")
        assert page.evaluate("document.scripts.length") == 1
        leave(page)
        assert len(server.decisions()) == 8
