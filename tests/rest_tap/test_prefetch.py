"""Pages ahead: together, in order, never too many, and nothing left behind."""

from __future__ import annotations

from functools import partial
from threading import Barrier, Event, Thread
from threading import enumerate as all_threads
from typing import TYPE_CHECKING

import pytest

from rest_tap.http.prefetch import AbandonedError, Prefetch
from tap_kizen.tap import TapKizen
from tests.programs import kizen_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.server import Sandbox

PATIENCE = 60


def threads_of_pages() -> list[Thread]:
    return [thread for thread in all_threads() if thread.name == "prefetch"]


def all_end() -> bool:
    for thread in threads_of_pages():
        thread.join(PATIENCE)
    return not threads_of_pages()


def test_as_many_as_the_window_holds_are_asked_for_together() -> None:
    together = Barrier(4)
    asked: list[int] = []

    def ask(number: int) -> int:
        asked.append(number)
        together.wait(PATIENCE)
        return number

    with Prefetch[int, int](4) as pages:
        first = pages.take(1, range(2, 99), lambda number: partial(ask, number))
        assert first == 1
        assert sorted(asked) == [1, 2, 3, 4]
        together.abort()
    assert all_end()


def test_answers_and_errors_come_in_order() -> None:
    later_ones_are_done = Event()

    def ask(number: int) -> int:
        if number == 1:
            later_ones_are_done.wait(PATIENCE)
        elif number == 3:
            later_ones_are_done.set()
            message = "third"
            raise ValueError(message)
        return number

    def prepare(number: int) -> Callable[[], int]:
        return partial(ask, number)

    with Prefetch[int, int](3) as pages:
        assert pages.take(1, range(2, 9), prepare) == 1
        assert pages.take(2, range(3, 9), prepare) == 2
        with pytest.raises(ValueError, match="third"):
            pages.take(3, range(4, 9), prepare)
    assert all_end()


def test_what_is_not_taken_after_all_is_dropped() -> None:
    asked: list[int] = []

    def ask(number: int) -> int:
        asked.append(number)
        if number > 1:
            raise ValueError
        return number

    def prepare(number: int) -> Callable[[], int]:
        return partial(ask, number)

    with Prefetch[int, int](4) as pages:
        pages.take(1, [2, 3, 4], prepare)
        # The same page, asked for anew: an answer from before may be out of date.
        pages.take(-1, [], prepare)
    assert all_end()
    assert -1 in asked


def test_one_at_a_time_needs_no_thread() -> None:
    with Prefetch[int, int](1) as pages:
        pages.take(1, range(2, 9), lambda number: lambda: number)
        assert not threads_of_pages()


def test_a_thread_that_is_to_try_again_learns_that_the_reading_has_ended() -> None:
    is_asked, goes_on = Event(), Event()
    ended: list[bool] = []

    def ask(number: int) -> int:
        if number == 2:
            is_asked.set()
            goes_on.wait(PATIENCE)
            try:
                pages.check()
            except AbandonedError:
                ended.append(True)
        return number

    with Prefetch[int, int](2) as pages:
        pages.take(1, [2], lambda number: partial(ask, number))
        assert is_asked.wait(PATIENCE)
    goes_on.set()
    assert all_end()
    assert ended == [True]


def test_a_reading_that_is_broken_off_leaves_no_thread(shared_sandbox: Sandbox) -> None:
    settings = kizen_settings(shared_sandbox, page_size=2)
    records = iter(TapKizen(config=settings).streams["companies"].get_records(None))
    for _ in range(5):
        next(records)
    assert threads_of_pages()
    with pytest.raises(KeyboardInterrupt):
        records.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    assert all_end()
