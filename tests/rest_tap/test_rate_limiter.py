"""Requests leave as often as a service allows, whatever holds them up here."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from threading import Event, Thread, current_thread
from time import monotonic

import pytest

from rest_tap.http import rate_limiter
from rest_tap.http.rate_limiter import SECOND, RateLimiter


class Clock:
    """A clock whose sleepers wake up late, and whose requests take their time to come."""

    def __init__(self, rng: Random, latest: float) -> None:
        self.now = 0.0
        self._rng = rng
        self._latest = latest

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self._rng.random() ** 4 * self._latest


@pytest.mark.parametrize("allowed", [1, 2, 25])
@pytest.mark.parametrize("latest", [0, 0.002, 0.06])
def test_however_late_some_leave_a_second_has_no_more_than_allowed(
    monkeypatch: pytest.MonkeyPatch, allowed: int, latest: float
) -> None:
    clock = Clock(Random(1), latest)  # noqa: S311
    monkeypatch.setattr(rate_limiter, "monotonic", clock.time)
    monkeypatch.setattr(rate_limiter, "sleep", clock.sleep)
    paced = RateLimiter(allowed)
    left = []
    for _ in range(1000):
        paced.wait()
        left.append(clock.now)
    windows = [last - first for first, last in zip(left, left[allowed:], strict=False)]
    assert min(windows) >= SECOND - 1e-9
    pauses = [later - earlier for earlier, later in pairwise(left)]
    assert min(pauses) >= 0.8 / allowed - 1e-9
    # What comes late is made up for: a second is late once, not with each of its requests.
    assert left[-1] <= len(left) / allowed * (SECOND + 2 * latest)


def test_a_pause_gives_nobody_the_right_to_a_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(Random(1), 0)  # noqa: S311
    monkeypatch.setattr(rate_limiter, "monotonic", clock.time)
    monkeypatch.setattr(rate_limiter, "sleep", clock.sleep)
    paced = RateLimiter(10)
    paced.wait()
    clock.now += 100
    paced.wait()
    began = clock.now
    paced.wait()
    assert clock.now - began >= 0.08 - 1e-9


def test_the_real_clock_is_kept() -> None:
    paced = RateLimiter(25)
    began = monotonic()
    for _ in range(26):
        paced.wait()
    assert monotonic() - began >= SECOND


def test_whoever_has_waited_longest_is_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the page that is needed next may be asked for last, and all others wait for it."""
    all_wait, left = Event(), list[str]()

    def leave(_: float) -> None:
        left.append(current_thread().name)
        assert all_wait.wait(timeout=30)

    monkeypatch.setattr(rate_limiter, "sleep", leave)
    paced = RateLimiter(25)
    paced.wait()
    threads = [Thread(target=paced.wait, name=f"{number:02}") for number in range(16)]
    for number, thread in enumerate(threads, start=1):
        thread.start()
        while paced.waiting < number:
            assert thread.is_alive()
    all_wait.set()
    for thread in threads:
        thread.join()
    assert left == [thread.name for thread in threads]
    assert paced.waiting == 0


def test_whoever_is_interrupted_lets_the_next_one_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    paced = RateLimiter(25)
    paced.wait()
    with monkeypatch.context() as patch:
        patch.setattr(rate_limiter, "sleep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            paced.wait()
    assert paced.waiting == 0
    paced.wait()
