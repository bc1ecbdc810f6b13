"""The list that discovery has read, for the run that follows: Meltano starts the tap twice.

A body lies in a private folder under a name that says what was asked, by whom. Whoever takes it
removes it first. What nobody took is of no use after a minute, and the next start removes it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: How old a body may be, counted from the end of discovery.
MOST_SECONDS = 60.0

_PIECE_BYTES = 256 * 1024
_ENDING = ".body"


class Handover:
    """A folder of bodies.

    Attributes:
        is_discovery: Whether this process leaves bodies, and takes none.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder, which need not exist, and remove what is too old to be taken."""
        self.is_discovery = False
        self._folder = folder
        self._kept: list[Path] = []
        if folder.is_dir():
            for path in folder.glob(f"*{_ENDING}"):
                with suppress(FileNotFoundError):
                    if not _is_fresh(path.stat()):
                        path.unlink()

    def _path(self, asked: Iterable[str]) -> Path:
        return self._folder / (sha256("\0".join(asked).encode()).hexdigest() + _ENDING)

    def keep(self, asked: Iterable[str], content_type: str, pieces: Iterable[bytes]) -> None:
        """Keep a body for the next process.

        Args:
            asked: What tells the request from any other, the key of the account among it.
            content_type: The `Content-Type` of the response.
            pieces: The body.

        Raises:
            OSError: It cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # For its owner alone, as any file of this kind.
        with NamedTemporaryFile(dir=self._folder, suffix=_ENDING, delete=False) as file:
            try:
                file.write(content_type.encode() + b"\n")
                file.writelines(pieces)
                file.flush()
                path = Path(file.name).replace(self._path(asked))
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        self._kept.append(path)

    def end_discovery(self) -> None:
        """Let the time begin for which what was kept may be taken."""
        for path in self._kept:
            with suppress(FileNotFoundError):
                os.utime(path)

    def take(self, asked: Iterable[str]) -> tuple[str, Iterator[bytes]] | None:
        """Return the content type and the body that an earlier process kept, and remove it.

        None where there is none that is for this user and new.
        """
        path = self._path(asked)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return None
        file = os.fdopen(descriptor, "rb")
        path.unlink(missing_ok=True)
        found = os.fstat(descriptor)
        if found.st_uid != os.getuid() or not _is_fresh(found):
            file.close()
            return None
        content_type = file.readline().rstrip(b"\n").decode()

        def pieces() -> Iterator[bytes]:
            with file:
                while piece := file.read(_PIECE_BYTES):
                    yield piece

        return content_type, pieces()


def _is_fresh(found: os.stat_result) -> bool:
    return 0 <= time.time() - found.st_mtime + 1 <= MOST_SECONDS + 1
