"""Pages are asked for ahead of the one in hand, and handed out in order."""

from __future__ import annotations

from concurrent.futures import Future
from itertools import islice
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from types import TracebackType

    from typing_extensions import Self

Token = TypeVar("Token", bound="Hashable")
Answer = TypeVar("Answer")


class AbandonedError(Exception):
    """The reading has ended, and nobody waits for this answer any more."""


class Prefetch(Generic[Token, Answer]):
    """A bounded window of requests: the one that is waited for, and some that will be.

    Answers and errors come out in the order in which they are taken. Those that are not taken
    after all are dropped, whatever became of them. The threads are daemons: an end of the
    program waits for no answer and no pause before another try.
    """

    def __init__(self, window: int) -> None:
        """Keep at most `window` requests in flight or answered and not yet taken."""
        self._window = window
        self._tasks: SimpleQueue[tuple[Future[Answer], Callable[[], Answer]] | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._pending: dict[Token, Future[Answer]] = {}
        self._ended = Event()

    def take(
        self,
        token: Token,
        upcoming: Iterable[Token],
        prepare: Callable[[Token], Callable[[], Answer]],
    ) -> Answer:
        """Return the answer to one request, and have those asked for that come after it.

        Args:
            token: What is asked for now.
            upcoming: What will be asked for next; more than the window holds is not looked at.
            prepare: Gives what asks for a page. What it gives runs in another thread where there
                is a next page, and in this one where there is none.

        Raises:
            Exception: What asking raised for this token.
        """
        wanted = list(dict.fromkeys([token, *islice(upcoming, self._window - 1)]))
        for other in self._pending.keys() - wanted:
            self._pending.pop(other).cancel()
        if len(wanted) == 1 and not self._pending:
            return prepare(token)()
        for each in wanted:
            if each not in self._pending:
                self._pending[each] = self._submit(prepare(each))
        return self._pending.pop(token).result()

    def check(self) -> None:
        """Stop a thread that nobody waits for, before it asks (again).

        Raises:
            AbandonedError: If the reading has ended.
        """
        if self._ended.is_set():
            raise AbandonedError

    def __enter__(self) -> Self:
        """Begin with nothing asked for."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the threads end, each after the answer that it may be waiting for."""
        self._ended.set()
        for future in self._pending.values():
            future.cancel()
        self._pending.clear()
        for _ in self._threads:
            self._tasks.put(None)

    def _submit(self, work: Callable[[], Answer]) -> Future[Answer]:
        if len(self._threads) < self._window:
            thread = Thread(target=self._work, name="prefetch", daemon=True)
            self._threads.append(thread)
            thread.start()
        future: Future[Answer] = Future()
        self._tasks.put((future, work))
        return future

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, work = task
            if future.set_running_or_notify_cancel():
                try:
                    answer = work()
                except BaseException as error:  # noqa: BLE001 - raised again where it is taken
                    future.set_exception(error)
                else:
                    future.set_result(answer)
