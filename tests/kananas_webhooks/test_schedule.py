"""When runs are due, on a clock of the test's own."""

from __future__ import annotations

import pytest

from kananas_webhooks.schedule import MAX_BACKOFF_SECONDS, Schedule


@pytest.fixture
def schedule() -> Schedule:
    return Schedule(quiet=15, every=60)


def test_nothing_is_due_before_something_changes(schedule: Schedule) -> None:
    assert schedule.due() is None


def test_a_run_waits_for_a_pause(schedule: Schedule) -> None:
    schedule.notice(100)
    assert schedule.due() == 115
    schedule.notice(110)
    assert schedule.due() == 125


def test_events_that_never_pause_wait_no_longer_than_every(schedule: Schedule) -> None:
    for now in range(100, 200, 10):
        schedule.notice(now)
    assert schedule.due() == 160


def test_what_comes_during_a_run_is_one_run_more_and_not_at_once(schedule: Schedule) -> None:
    schedule.notice(0)
    schedule.start(15)
    assert schedule.due() is None
    schedule.notice(20)
    schedule.notice(30)
    schedule.end(40, good=True)
    assert schedule.due() == 75
    schedule.start(75)
    schedule.end(80, good=True)
    assert schedule.due() is None


def test_a_failed_run_comes_again_later_each_time(schedule: Schedule) -> None:
    schedule.notice(0)
    now, waits = 15.0, []
    for _ in range(7):
        schedule.start(now)
        schedule.end(now + 5, good=False)
        due = schedule.due()
        assert due is not None
        waits.append(due - now - 5)
        now = due
    assert waits == [60, 120, 240, 480, 900, 900, 900]
    assert waits[-1] == MAX_BACKOFF_SECONDS
    schedule.notice(now - 1)
    assert schedule.due() == now
    schedule.start(now)
    schedule.end(now + 5, good=True)
    assert (schedule.due(), schedule.failures) == (None, 0)
    schedule.notice(now + 100)
    assert schedule.due() == now + 115


def test_a_service_that_is_away_for_weeks_ends_no_schedule(schedule: Schedule) -> None:
    schedule.notice(0)
    for number in range(2_000):
        schedule.start(number * MAX_BACKOFF_SECONDS)
        schedule.end(number * MAX_BACKOFF_SECONDS, good=False)
    assert schedule.due() == 2_000 * MAX_BACKOFF_SECONDS
