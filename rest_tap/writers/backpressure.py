"""How far batch files are ahead of the loader, and how it is waited for.

Singer has no word by which a loader could say that it is done with a file. One that removes what
it has read says so all the same; others never remove any, and a wait for them would never end.
"""

from __future__ import annotations

import select
import sys
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger
    from pathlib import Path

MOST_FILES = 100
MOST_BYTES = 512 << 20
"""As much may wait for the loader. It is enough to go on with while a commit is written."""

PATIENCE_SECONDS = 120.0
"""A loader that removes nothing for so long is not waited for any more: a commit takes seconds."""

POLL_SECONDS = 0.02


def _is_pipe_broken_within(seconds: float) -> bool:
    """Wait; no longer than somebody has standard output open for reading."""
    pipe = select.poll()
    pipe.register(sys.stdout.fileno(), 0)
    return bool(pipe.poll(seconds * 1000))


class Backpressure:
    """The files of a run that the loader, which reads them in their order, may not have read."""

    def __init__(self, logger: Logger) -> None:
        """Begin with none; `logger` is told if the loader is no longer waited for."""
        self._logger = logger
        self._files: deque[tuple[Path, int]] = deque()
        self._bytes = 0
        self._removes = self._is_given_up = False

    def add(self, file: Path, size: int) -> None:
        """Note a file of so many bytes that the loader is told of next."""
        # Of a loader that has removed none, no more is looked at than shows whether it does.
        if not self._is_full and not self._is_given_up:
            self._files.append((file, size))
            self._bytes += size

    def wait(self) -> None:
        """Wait until another file may be written, if the loader is known to remove any.

        It ends at once where the loader has ended: the next message will fail, and tell so.
        """
        due = monotonic() + PATIENCE_SECONDS
        while self._is_full:
            if self._forget_read():
                self._removes = True
                due = monotonic() + PATIENCE_SECONDS
            elif not self._removes or _is_pipe_broken_within(POLL_SECONDS):
                return
            elif monotonic() >= due:
                self._give_up()

    @property
    def _is_full(self) -> bool:
        return len(self._files) >= MOST_FILES or self._bytes >= MOST_BYTES

    def _forget_read(self) -> bool:
        """Forget the files up to the last one that is gone; tell whether there is one."""
        gone = [number for number, (file, _) in enumerate(self._files, 1) if not file.exists()]
        for _ in range(max(gone, default=0)):
            _, size = self._files.popleft()
            self._bytes -= size
        return bool(gone)

    def _give_up(self) -> None:
        self._is_given_up = True
        self._files.clear()
        self._bytes = 0
        self._logger.warning(
            "the loader has removed no batch file for %.0f s, and is not waited for any more: the "
            "folder of setting 'batch_config' may need room for all of them",
            PATIENCE_SECONDS,
        )
