"""How often requests leave."""

from __future__ import annotations

from collections import deque
from functools import cache
from threading import Lock
from time import monotonic, sleep

#: As many requests as a second allows take this many seconds, counted from the moments at which
#: they left: one may then be under way this much longer than the ones after it.
SECOND = 1.025

#: The least pause between two requests, as a share of the even one: who left late is made up for.
LEAST_PAUSE = 0.8


class RateLimiter:
    """Lets requests leave evenly spread, and never more in a second than a service allows.

    A client that may send its whole allowance at once breaks the limit of a server that looks
    at any second: the last burst may arrive late and the next one early. Moments are those at
    which requests did leave, not those at which they were to: a request that this machine has
    held up lets those after it wait as well.
    """

    def __init__(self, allowed: int) -> None:
        """Let `allowed` requests leave in any second."""
        self._pause = LEAST_PAUSE / allowed
        self._left: deque[float] = deque(maxlen=allowed)
        # Whoever comes takes a lock of its own, which the one before it releases: of several
        # threads that wait for one lock, any may be next.
        self._turns: deque[Lock] = deque()
        self._taking = Lock()

    @property
    def waiting(self) -> int:
        """How many threads wait, or let a request leave."""
        return len(self._turns)

    def wait(self) -> None:
        """Wait until a request may leave; of several threads, the one that came first is first."""
        turn = Lock()
        turn.acquire()
        with self._taking:
            self._turns.append(turn)
            is_first = len(self._turns) == 1
        try:
            if not is_first:
                turn.acquire()
            self._leave()
        finally:
            with self._taking:
                was_next = self._turns[0] is turn
                self._turns.remove(turn)
                if was_next and self._turns:
                    self._turns[0].release()

    def _leave(self) -> None:
        if self._left:
            due = self._left[-1] + self._pause
            if len(self._left) == self._left.maxlen:
                due = max(due, self._left[0] + SECOND)
            if (rest := due - monotonic()) > 0:
                sleep(rest)
        self._left.append(monotonic())


@cache
def rate_limiter_of(host: str, allowed: int) -> RateLimiter:  # noqa: ARG001 - the cache's key
    """Return the pace at which a service is asked, the same for all that ask in this process.

    Args:
        host: Host and port of the service.
        allowed: How many requests it allows in any second, 1 or more.
    """
    return RateLimiter(allowed)
