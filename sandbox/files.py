"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def written(path: Path) -> Iterator[IO[str]]:
    """Open a text file that takes the place of ``path`` when the block ends without an error.

    Raises:
        OSError: the folder does not exist or cannot be written to.
    """
    handle = NamedTemporaryFile(  # noqa: SIM115 - renamed before it is closed for good
        "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}.", delete=False
    )
    try:
        with handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        Path(handle.name).replace(path)
    except BaseException:
        Path(handle.name).unlink(missing_ok=True)
        raise
