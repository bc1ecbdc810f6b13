"""A doublewrite buffer: what a checkpoint overwrites in a DuckDB file, kept until it has ended.

A database file begins with two headers, and the newer one says which parts of which blocks hold
the catalogue. A checkpoint puts the new catalogue into free parts of those blocks, writes each
block anew in its place, and then the other header (DuckDB 1.5, `MetadataManager::Flush`). A process
that is killed while it writes such a block leaves one whose checksum is wrong, and a file that
nobody can open, although nothing that the newer header names has changed.

So these blocks are copied beside the file before each checkpoint, with the headers. Where the
headers are still the same when the file is opened next, no checkpoint has come to its end, and each
block whose checksum is wrong is put back. The headers alone do not tell two files apart: those of
another file with as many tables and blocks are the same, byte for byte, but its blocks are whole.
InnoDB has such a buffer, under this name.

Nothing here needs the Singer SDK.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

import duckdb

from target_duckdb.names import literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from duckdb import DuckDBPyConnection

_T = TypeVar("_T")

ENDING = ".doublewrite"
"""What the copy is called behind the name of the file."""

_HEADERS = 3 * 4096
"""Bytes before the first block: the file's own header, and the two that say where all else is."""

_MAGIC = b"DuckDB metadata blocks, 1\n"
_SIZES = struct.Struct("<QQ")
"""Bytes of a block, and how many blocks there are; then comes where each begins."""

_CHECKSUM_START = 5381
_CHECKSUM_FACTOR = 0xBF58476D1CE4E5B9
_64_BITS = (1 << 64) - 1

_PART = 1 << 20

_LOCKED = {errno.EACCES, errno.EAGAIN}

_BLOCKS = """
    SELECT sizes.block_size, blocks.block_id
    FROM pragma_database_size() AS sizes, pragma_metadata_info({name}) AS blocks
    WHERE sizes.database_name = {name} AND blocks.free_blocks > 0
"""
"""What has no free part is not written to."""


class Doublewrite:
    """The copy for one database that this process attaches.

    Attributes:
        path: The database file.
        copy: Where the copy lies while there is one.
        is_restored: Whether anything was put back.
    """

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        """Name the database.

        Args:
            path: Its file, which need not exist.
            name: Its name in SQL; by default that of the database which a connection uses.
        """
        self.path = path
        self.copy = copy_of(path)
        self.is_restored = False
        self._name = "current_database()" if name is None else literal(name)
        self._file: int | None = None
        self._headers = b""

    def attach(self, attach: Callable[[], _T]) -> _T:
        """Put back what a killed process has left half written, and attach the file.

        Args:
            attach: What attaches it.

        Returns:
            What that returns.

        Raises:
            duckdb.Error: It cannot be attached, or not be mended.
        """
        self.close()
        try:
            return attach()
        except duckdb.Error:
            # Whoever held the file may have been killed since.
            if not self.close():
                raise
        return attach()

    def save(self, connection: DuckDBPyConnection) -> None:
        """Before a checkpoint: copy the blocks that it may overwrite, unless that is done.

        Args:
            connection: To which the file is attached, for writing.

        Raises:
            duckdb.Error: The copy cannot be written.
        """
        try:
            if self._file is None:
                # Until it is detached: with any of its descriptors that is closed, POSIX ends the
                # locks of a process on a file, those of DuckDB too.
                self._file = os.open(self.path, os.O_RDWR)
            headers = os.pread(self._file, _HEADERS, 0)
            if headers == self._headers:
                return
            if self.copy.exists() and _put_back(self.copy, self._file):
                # Whoever was killed last had the file until this process attached it, which does
                # not read every block. None of those that DuckDB has read is touched.
                self.is_restored = True
            found = connection.execute(_BLOCKS.format(name=self._name)).fetchall()
            size = found[0][0] if found else 0
            places = [_HEADERS + number * size for _, number in found]
            _write(self.copy, self._file, headers, size, places)
        except OSError as error:
            msg = (
                f"cannot write {self.copy}, which keeps {self.path} whole should this process be "
                f"killed: {error.strerror}; make room, or let this user make files there"
            )
            raise duckdb.IOException(msg) from None
        self._headers = headers

    def close(self) -> bool:
        """After the file is detached, or could not be attached: remove the copy.

        Where a checkpoint has failed, its blocks are put back before.

        Returns:
            Whether any were.

        Raises:
            duckdb.Error: The file cannot be read or written.
        """
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._headers = b""
        is_restored = restore(self.path)
        self.is_restored |= is_restored
        return is_restored


@contextmanager
def connected(
    path: str, *, read_only: bool, config: dict[str, str | bool | int | float | list[str]]
) -> Iterator[DuckDBPyConnection]:
    """Open a database file, with a copy of what its next checkpoint overwrites.

    Args:
        path: The file.
        read_only: Whether it is only read.
        config: Options of DuckDB.

    Raises:
        duckdb.Error: It cannot be opened, or not be written when it is closed.
    """
    saved = Doublewrite(path)
    try:
        with saved.attach(lambda: duckdb.connect(path, read_only, config)) as connection:
            if not read_only:
                saved.save(connection)
            yield connection
    finally:
        saved.close()


def copy_of(path: str | Path) -> Path:
    """Return where the copy of a database file lies, by whichever of its names that is opened."""
    return Path(os.path.realpath(path) + ENDING)


def restore(path: str | Path) -> bool:
    """Put blocks back that a killed process has left half written, and remove their copy.

    Nothing is done while another process has the file open. Not to be called while this process
    has it open. Killed meanwhile, it is done again.

    Args:
        path: The database file, which need not exist.

    Returns:
        Whether blocks were put back.

    Raises:
        duckdb.Error: The file or its copy cannot be read or written.
    """
    copy = copy_of(path)
    try:
        return _restore(path, copy)
    except OSError as error:
        msg = (
            f"cannot put back from {copy} what a killed process may have left half written in "
            f"{path}: {error.strerror}; let this user read, write and remove that copy"
        )
        raise duckdb.IOException(msg) from None


def _restore(path: str | Path, copy: Path) -> bool:
    # Who may not read the copy can still read the file; to write to it, `save` needs the copy.
    if not (copy.exists() and os.access(copy, os.R_OK) and os.access(path, os.W_OK)):
        return False
    with open(path, "r+b", buffering=0) as file:  # noqa: PTH123 - as `os.access` takes it
        try:
            # As DuckDB locks it.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _LOCKED:
                return False
            raise
        is_restored = copy.exists() and _put_back(copy, file.fileno())
        try:
            copy.unlink(missing_ok=True)
        except PermissionError:
            # The folder is another user's. Left there it does no harm: the file is whole.
            return is_restored
    return is_restored


def _write(copy: Path, file: int, headers: bytes, size: int, places: list[int]) -> None:
    """Copy blocks of an open file to one beside it, which no one may read who may not read that.

    A copy that is cut off lacks its digest: the checkpoint that it is for has not begun.
    """
    # What DuckDB has not written yet is nothing to lose.
    end = os.fstat(file).st_size
    places = [place for place in places if place + size <= end]
    start = _MAGIC + headers + _SIZES.pack(size, len(places))
    start += struct.pack(f"<{len(places)}Q", *places)
    digest = blake2b()
    mode = os.fstat(file).st_mode & 0o666
    # A file of its own: a link of that name may lead anywhere.
    copy.unlink(missing_ok=True)
    with open(copy, "xb", opener=partial(os.open, mode=mode)) as written:
        for part in chain([start], (os.pread(file, size, place) for place in places)):
            digest.update(part)
            written.write(part)
        written.write(digest.digest())
        written.flush()
        os.fsync(written.fileno())


def _put_back(copy: Path, file: int) -> bool:
    """Write blocks of a copy over torn ones of the open file that they are of.

    Returns:
        Whether any was torn.
    """
    start = _MAGIC + os.pread(file, _HEADERS, 0)
    with copy.open("rb") as written:
        if written.read(len(start)) != start:
            return False  # the checkpoint has come to its end, or the file is another
        if not _is_whole(written):
            return False  # it was cut off, so the checkpoint had not begun
        written.seek(len(start))
        size, count = _SIZES.unpack(written.read(_SIZES.size))
        places = struct.unpack(f"<{count}Q", written.read(8 * count))
        is_restored = False
        for place in places:
            block = written.read(size)
            found = os.pread(file, size, place)
            if found != block and _is_torn(found):
                _write_all(file, block, place)
                is_restored = True
    if is_restored:
        os.fsync(file)
    return is_restored


def _is_whole(copy: IO[bytes]) -> bool:
    """Return whether a copy ends with the digest of all before."""
    digest = blake2b()
    left = os.fstat(copy.fileno()).st_size - digest.digest_size
    copy.seek(0)
    while left > 0 and (part := copy.read(min(left, _PART))):
        digest.update(part)
        left -= len(part)
    return left == 0 and copy.read() == digest.digest()


def _is_torn(block: bytes) -> bool:
    """Return whether the checksum that a block begins with is not that of the rest."""
    if not block or len(block) % 8:
        return True  # the file ends within it
    expected, *words = struct.unpack(f"<{len(block) // 8}Q", block)
    checksum = _CHECKSUM_START
    for word in words:
        checksum ^= word * _CHECKSUM_FACTOR
    return bool(checksum & _64_BITS != expected)


def _write_all(file: int, content: bytes, place: int) -> None:
    left = memoryview(content)
    while left:
        written = os.pwrite(file, left, place)
        left, place = left[written:], place + written
