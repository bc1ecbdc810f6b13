"""What is said of a long read: how far, how fast, how long still."""

from __future__ import annotations

import logging
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from rest_tap import progress
from rest_tap.progress import Part, Progress
from tap_kizen.tap import TapKizen
from tests.programs import kizen_settings

if TYPE_CHECKING:
    from sandbox.server import Sandbox

LOGGER = logging.getLogger("tests.progress")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "monotonic", clock)
    return clock


def test_lines_tell_pages_rate_and_time_left(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    parts = iter([None, Part(10, 500), Part(110, 500)])
    out = StringIO()
    with Progress(LOGGER, "companies", pages=lambda: next(parts), terminal=out) as told:
        for clock.now in (5, 10, 15):
            told.count(1000)
    assert caplog.messages == [
        "companies: 1,000 records so far (200/s)",
        "companies: 2,000 records so far (200/s), page 10 of 500",
        "companies: 3,000 records so far (200/s), page 110 of 500, 0:20 left",
        "companies: 3,000 records read (200/s)",
    ]
    # No terminal, no bar.
    assert out.getvalue() == ""


def test_a_terminal_has_a_bar_that_makes_room_for_the_log(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    out = Terminal()
    shown = logging.StreamHandler(out)
    logging.getLogger().addHandler(shown)
    try:
        with Progress(LOGGER, "companies", pages=lambda: Part(1, 2), terminal=out) as told:
            clock.now = 1
            told.count(50)
            LOGGER.warning("something else")
            clock.now = 2
            told.count(50)
    finally:
        logging.getLogger().removeHandler(shown)
    half = "█" * 12 + "░" * 12
    assert out.getvalue().split("\r\x1b[K") == [
        "",
        f"{half} companies: 50 records (50/s), page 1 of 2",
        "something else\n",
        f"{half} companies: 100 records (50/s), page 1 of 2",
        "companies: 100 records read (50/s)\n",
    ]
    assert not shown.filters


def test_a_walk_knows_its_pages(shared_sandbox: Sandbox) -> None:
    settings = kizen_settings(shared_sandbox, page_size=10)
    stream = TapKizen(config=settings).streams["companies"]
    parts = []
    for _ in stream.get_records(None):
        part = stream.pages_read()  # type: ignore[attr-defined]
        if part is not None and part not in parts:
            parts.append(part)
    # The last page is read before it is known to be the last.
    assert parts == [Part(number, 5) for number in (2, 3, 4, 5)]
