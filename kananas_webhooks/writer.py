"""The one thread that writes to the store: whatever has come meanwhile goes into one commit.

A commit waits for the disk, so events that come at the same time share one. Every caller is
answered after the commit that holds its event.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from kananas_webhooks.store import MOST_REMOVED, StoreBusyError, StoreError, StoreFullError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kananas_webhooks.events import Event
    from kananas_webhooks.store import Store

#: Events that may wait for the disk; each is held by a request, whose bodies have a limit too.
MAX_WAITING = 1000

_EVENTS_AT_ONCE = 200
_BYTES_AT_ONCE = 8 << 20
_TICK_SECONDS = 10.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Figures:
    """What the store held when it was last written or looked at.

    Attributes:
        events: Events in the store.
        waiting: Those of them that nobody has extracted.
        bytes: What they take.
        last_received_at: When the newest came, ISO 8601; None where there is none.
        problem: Why the last attempt to write failed; None where it did not.
    """

    events: int
    waiting: int
    bytes: int
    last_received_at: str | None
    problem: str | None = None


@dataclass(frozen=True)
class _Pending:
    """An event to store, or, without one, a wish to look at the store."""

    event: Event | None
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]

    @property
    def size(self) -> int:
        return 0 if self.event is None else len(self.event.body)

    def resolve(self, error: StoreError | None) -> None:
        self.loop.call_soon_threadsafe(self._resolve, error)

    def _resolve(self, error: StoreError | None) -> None:
        if self.done.cancelled():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Writer:
    """Appends events to a store, and keeps it in its limits.

    Attributes:
        figures: What the store holds; may be read from any thread.
    """

    def __init__(self, store: Store, *, tick_seconds: float = _TICK_SECONDS) -> None:
        """Write to a store that is used by nobody else in this process.

        Args:
            store: The store.
            tick_seconds: How often to look at it while nothing comes, and at most how often to
                remove events.
        """
        self._store = store
        self._tick = tick_seconds
        self._queue: queue.Queue[_Pending | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="store")
        self._size = store.size()
        self.figures = self._figures(None)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what has been taken, and end; does nothing where it does not run."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    async def check(self) -> None:
        """Look at the store at once where others have replaced its files, or written to them."""
        if self._store.is_untouched():
            return
        loop = asyncio.get_running_loop()
        looked = _Pending(None, loop, loop.create_future())
        # Where the queue is full, the thread looks at the store anyway.
        with suppress(queue.Full):
            self._queue.put_nowait(looked)
            await looked.done

    async def append(self, event: Event) -> None:
        """Store an event; it is on the disk on return.

        Raises:
            StoreError: It is not stored.
        """
        loop = asyncio.get_running_loop()
        pending = _Pending(event, loop, loop.create_future())
        try:
            self._queue.put_nowait(pending)
        except queue.Full:
            message = "more events come than can be written"
            raise StoreBusyError(message) from None
        await pending.done

    def _run(self) -> None:
        next_look = monotonic()
        while True:
            if monotonic() >= next_look:
                more = self._look()
                next_look = monotonic() + (0.0 if more else self._tick)
            try:
                first = self._queue.get(timeout=max(0.0, next_look - monotonic()))
            except queue.Empty:
                continue
            if first is None:
                return
            batch, ends = self._batch(first)
            self._write(batch)
            if ends:
                return

    def _batch(self, first: _Pending) -> tuple[list[_Pending], bool]:
        """Take what is there; return whether the end was among it."""
        batch, size = [first], first.size
        while len(batch) < _EVENTS_AT_ONCE and size < _BYTES_AT_ONCE:
            try:
                pending = self._queue.get_nowait()
            except queue.Empty:
                break
            if pending is None:
                return batch, True
            batch.append(pending)
            size += pending.size
        return batch, False

    def _write(self, batch: list[_Pending]) -> None:
        events = [pending.event for pending in batch if pending.event is not None]
        if len(events) < len(batch):
            self._look()
        error = self._try(lambda: self._append(events)) if events else None
        for pending in batch:
            pending.resolve(None if pending.event is None else error)

    def _append(self, events: list[Event]) -> None:
        """Store events, and make room for them where there is none."""
        try:
            self._store.append(events)
        except StoreFullError:
            if not self._store.trim():
                raise
            self._store.append(events)

    def _look(self) -> bool:
        """Remove what may go, and note what there is; return whether more may go."""
        more = False

        def trim() -> None:
            nonlocal more
            if self.figures.problem is not None:
                self._store.probe()
            more = self._store.trim() == MOST_REMOVED
            self._size = self._store.size()

        self._try(trim)
        return more

    def _try(self, write: Callable[[], None]) -> StoreError | None:
        """Write, and note how it went."""
        error: StoreError | None = None
        try:
            write()
        except StoreError as failure:
            error = failure
        except Exception as defect:
            # Whoever waits must not wait for ever, nor the next one.
            _logger.exception("a defect: this should not have happened")
            error = StoreError(type(defect).__name__)
        problem = None if error is None else str(error)
        if problem != self.figures.problem:
            if error is None:
                _logger.info("the store can be written again")
            else:
                _logger.error("the store cannot be written: %s", problem)
        self.figures = self._figures(problem)
        return error

    def _figures(self, problem: str | None) -> Figures:
        store = self._store
        return Figures(store.events, store.waiting, self._size, store.last_received_at, problem)
