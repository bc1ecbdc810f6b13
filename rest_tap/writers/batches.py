"""Batch files: records on their way to the loader as lines of JSON, past standard output.

The SDK's own writer always packs the files, and leaves them readable to others on the machine.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from singer_sdk.exceptions import ConfigurationError

from rest_tap.errors import BatchFileError
from rest_tap.writers.messages import encode_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk.helpers._batch import BatchConfig, StorageTarget

    from rest_tap.writers.backpressure import Backpressure

#: A file is closed at this size, so that the loader can begin and memory stays bounded.
MAX_FILE_BYTES = 64 << 20

#: How many records that are read one by one are written at once.
PAGE_ROWS = 100

_PACKINGS = {None, "none", "gzip"}
#: Most of the gain for little of the work.
_GZIP_LEVEL = 1

T = TypeVar("T")


def local_root(config: BatchConfig) -> Path | None:
    """Return the folder of `batch_config`; None where files go elsewhere or are no lines."""
    parts = urlsplit(config.storage.root)
    is_ours = config.encoding.format == "jsonl" and config.encoding.compression in _PACKINGS
    if not is_ours or parts.scheme not in {"", "file"}:
        return None
    return Path(unquote(parts.path) if parts.scheme else config.storage.root)


def check_storage(storage: StorageTarget) -> None:
    """See that the storage of `batch_config` is of a kind there is.

    Raises:
        ConfigurationError: If it is not.
        ImportError: If its package is not installed.
    """
    try:
        storage.get_url("file")
    except ValueError as error:
        message = f"setting 'batch_config'['storage']['root']: {error}"
        raise ConfigurationError(message) from error


class BatchFolder:
    """A private folder for the batch files of one run.

    The loader removes each file once it has read it. What a broken run leaves is removed by the
    next one: the folder's name says which process started the run, which is
    Meltano or a shell, and outlives the tap and the loader alike.
    """

    def __init__(self, root: Path, tap_name: str, backlog: Backpressure) -> None:
        """Make a folder below `root`, and remove those of runs that are over.

        Args:
            root: The folder of setting `batch_config`.
            tap_name: What the folder's name begins with.
            backlog: Says when another file may be begun.

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
        self._backpressure = backlog

    def write(
        self, pages: Iterable[Sequence[Any]], compression: str | None, max_rows: int
    ) -> Iterator[str]:
        """Write records into files of at most so many rows and about `MAX_FILE_BYTES`.

        Args:
            pages: Records, some at a time: values that JSON has, moments and `msgspec.Raw` among
                them. A page may end up in several files. The next one is not asked for before
                all of it is in one.
            compression: `gzip`, `none` or None.
            max_rows: Rows of the longest file.

        Yields:
            The address of each file, once it is complete.
        """
        file: _File | None = None
        try:
            for page in pages:
                done = 0
                while done < len(page):
                    file = file or self._next_file(compression)
                    piece = page[done : done + max_rows - file.rows]
                    file.append(piece)
                    done += len(piece)
                    if file.rows == max_rows or file.size >= MAX_FILE_BYTES:
                        yield self._ended(file)
                        file = None
            if file is not None:
                yield self._ended(file)
        finally:
            if file is not None:
                file.close()

    def _next_file(self, compression: str | None) -> _File:
        self._backpressure.wait()
        self._files += 1
        ending = ".jsonl.gz" if compression == "gzip" else ".jsonl"
        return _File(self._path / f"{self._files:06}{ending}", is_packed=compression == "gzip")

    def _ended(self, file: _File) -> str:
        """Close a file; give its address."""
        file.close()
        self._backpressure.add(file.path, file.written)
        return file.address


def pages_of(records: Iterator[T], max_rows: int) -> Iterator[list[T]]:
    """Put records together so that a page ends where a file of so many rows does.

    Whoever reads records one by one may note each as sent once the next is asked for: a file
    that ended within a page would be told together with what is noted of the whole page.
    """
    while True:
        for start in range(0, max_rows, PAGE_ROWS):
            page = list(islice(records, min(PAGE_ROWS, max_rows - start)))
            if not page:
                return
            yield page


class _File:
    """A batch file that is being written, readable to nobody else."""

    def __init__(self, path: Path, *, is_packed: bool) -> None:
        """Make the file.

        Raises:
            BatchFileError: If it cannot be made.
        """
        self.path = path
        self.rows = 0
        #: Bytes of all lines, and how many of them lie on the disk when they are packed.
        self.size = self.written = 0
        self._is_packed = is_packed
        with _failures_told(path):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    @property
    def address(self) -> str:
        """The address of the file, as a BATCH message has it."""
        return self.path.as_uri()

    def append(self, rows: Sequence[Any]) -> None:
        """Add a line for each row.

        Raises:
            BatchFileError: If there is no room, or another reason not to write.
        """
        lines = encode_lines(rows)
        self.rows += len(rows)
        self.size += len(lines)
        # Packed pieces behind each other are one packed file (RFC 1952, section 2.2).
        rest = memoryview(gzip.compress(lines, _GZIP_LEVEL) if self._is_packed else lines)
        with _failures_told(self.path), rest:
            written = 0
            while written < len(rest):
                written += self._file.write(rest[written:])
        self.written += written

    def close(self) -> None:
        """End the file; more than once does nothing."""
        with _failures_told(self.path):
            self._file.close()


@contextmanager
def _failures_told(path: Path) -> Iterator[None]:
    """Tell a failure to write from one to read the service, which may be an OSError as well."""
    try:
        yield
    except OSError as error:
        message = f"cannot write the batch file {path}: {error.strerror}"
        raise BatchFileError(message) from error


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
