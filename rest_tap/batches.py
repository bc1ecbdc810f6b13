"""Batch files: records on their way to the loader as lines of JSON, past standard output.

The SDK's own writer always packs the files, and leaves them readable to others on the machine.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from singer_sdk.exceptions import ConfigurationError

from rest_tap.errors import BatchFileError
from rest_tap.messages import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers._batch import BatchConfig

#: A file is closed at this size, so that the loader can begin and memory stays bounded.
MAX_FILE_BYTES = 64 << 20

_WRITE_BYTES = 1 << 20
_PACKINGS = {None, "none", "gzip"}
#: Most of the gain for little of the work.
_GZIP_LEVEL = 1


def local_root(config: BatchConfig) -> Path | None:
    """Give the folder of setting `batch_config`; None where files go elsewhere or are no lines."""
    parts = urlsplit(config.storage.root)
    is_ours = config.encoding.format == "jsonl" and config.encoding.compression in _PACKINGS
    if not is_ours or parts.scheme not in {"", "file"}:
        return None
    return Path(unquote(parts.path) if parts.scheme else config.storage.root)


class BatchFolder:
    """A private folder for the batch files of one run.

    The loader removes each file once its records are committed. What a broken run leaves is
    removed by the next one: the folder's name says which process started the run, which is
    Meltano or a shell, and outlives the tap and the loader alike.
    """

    def __init__(self, root: Path, tap_name: str) -> None:
        """Make a folder below `root`, and remove those of runs that are over.

        Raises:
            ConfigurationError: If there can be no such folder.
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            _sweep(root, tap_name)
            # With mode 0700.
            self._path = Path(mkdtemp(prefix=f"{tap_name}-{os.getppid()}-", dir=root.resolve()))
        except OSError as error:
            message = f"setting 'batch_config': no folder below {root}: {error.strerror}"
            raise ConfigurationError(message) from error
        self._files = 0

    def write(
        self, records: Iterable[dict[str, Any]], compression: str | None, max_rows: int
    ) -> Iterator[str]:
        """Write records into files of at most so many rows and about `MAX_FILE_BYTES`.

        Args:
            records: Values that JSON has, moments among them.
            compression: `gzip`, `none` or None.
            max_rows: Rows of the longest file.

        Yields:
            The address of each file, once it is complete.
        """
        waiting = iter(records)
        for first in waiting:
            self._files += 1
            ending = ".jsonl.gz" if compression == "gzip" else ".jsonl"
            path = self._path / f"{self._files:06}{ending}"
            _fill(path, chain([first], islice(waiting, max_rows - 1)), compression)
            yield path.as_uri()


def _fill(path: Path, records: Iterator[dict[str, Any]], compression: str | None) -> None:
    """Write a file of these records, or of the first of them.

    Raises:
        BatchFileError: If there is no room, or another reason not to write.
    """
    with _failures_told(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        for piece in _pieces(records):
            # Packed pieces behind each other are one packed file (RFC 1952, section 2.2).
            rest = memoryview(gzip.compress(piece, _GZIP_LEVEL) if compression == "gzip" else piece)
            with _failures_told(path), rest:
                written = 0
                while written < len(rest):
                    written += file.write(rest[written:])


@contextmanager
def _failures_told(path: Path) -> Iterator[None]:
    """Tell a failure to write from one to read the service, which may be an OSError as well."""
    try:
        yield
    except OSError as error:
        message = f"cannot write the batch file {path}: {error.strerror}"
        raise BatchFileError(message) from error


def _pieces(records: Iterator[dict[str, Any]]) -> Iterator[bytearray]:
    """Yield lines in pieces worth a write, until there are enough for a file."""
    buffer = bytearray()
    size = 0
    while size < MAX_FILE_BYTES and (record := next(records, None)) is not None:
        buffer += encode(record)
        buffer += b"\n"
        if len(buffer) >= _WRITE_BYTES:
            size += len(buffer)
            yield buffer
            buffer.clear()
    yield buffer


def _sweep(root: Path, tap_name: str) -> None:
    """Remove the folders of this tap whose run is over."""
    name = re.compile(rf"{re.escape(tap_name)}-(\d+)-[^/]+")
    for folder in root.iterdir():
        found = name.fullmatch(folder.name)
        if found and not _is_alive(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
