"""A doublewrite buffer: what a checkpoint overwrites in a DuckDB file, kept until it has ended.

A database file begins with two headers, and the newer one says which parts of which blocks hold
the catalogue. A checkpoint puts the new catalogue into free parts of those blocks, writes each
block anew in its place, and then the other header (DuckDB 1.5, `MetadataManager::Flush`). A process
that is killed while it writes such a block leaves one whose checksum is wrong, and a file that
nobody can open, although nothing that the newer header names has changed.

So these blocks are copied beside the file before each checkpoint, with the headers. Where the
headers are still the same when the file is opened next, no checkpoint has come to its end, and the
blocks are put back. InnoDB does the same, under this name.

Nothing here needs the Singer SDK.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from contextlib import closing, contextmanager
from functools import partial
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from target_duckdb.names import literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

ENDING = ".doublewrite"
"""What the copy is called behind the name of the file."""

_HEADERS = 3 * 4096
"""Bytes before the first block: the file's own header, and the two that say where all else is."""

_MAGIC = b"DuckDB metadata blocks, 1\n"
_SIZES = struct.Struct("<QQ")
"""Bytes of a block, and how many blocks there are; then comes where each begins."""

_LOCKED = {errno.EACCES, errno.EAGAIN}

_BLOCKS = """
    SELECT sizes.block_size, blocks.block_id
    FROM pragma_database_size() AS sizes, pragma_metadata_info({name}) AS blocks
    WHERE sizes.database_name = {name} AND blocks.free_blocks > 0
"""
"""What has no free part is not written to."""


class Doublewrite:
    """The copy for one database that this process has attached.

    Attributes:
        path: The database file.
        copy: Where the copy lies while there is one.
    """

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        """Name the database.

        Args:
            path: Its file, which need not exist.
            name: Its name in SQL; by default that of the database which a connection uses.
        """
        self.path = path
        self.copy = copy_of(path)
        self._name = "current_database()" if name is None else literal(name)
        self._file: int | None = None
        self._headers = b""

    def open(self) -> bool:
        """Before the file is attached: put back what a killed process has left half written.

        Returns:
            Whether there was any of that.

        Raises:
            OSError: The file or its copy cannot be read or written.
        """
        is_restored = restore(self.path)
        try:
            # Until it is detached: with any of its descriptors that is closed, POSIX ends the
            # locks of a process on a file, those of DuckDB too.
            self._file = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            self._file = None  # it is to be made, and holds nothing to lose
        return is_restored

    def save(self, connection: DuckDBPyConnection) -> None:
        """Before a checkpoint: copy the blocks that it may overwrite, unless that is done.

        Args:
            connection: To which the file is attached, for writing.

        Raises:
            OSError: The copy cannot be written.
        """
        if self._file is None:
            return
        headers = os.pread(self._file, _HEADERS, 0)
        if headers == self._headers:
            return
        found = connection.execute(_BLOCKS.format(name=self._name)).fetchall()
        size = found[0][0] if found else 0
        places = [_HEADERS + number * size for _, number in found]
        _write(self.copy, self._file, headers, size, places)
        self._headers = headers

    def close(self) -> None:
        """After the file is detached, or could not be attached: remove the copy.

        Where a checkpoint has failed, its blocks are put back before.

        Raises:
            OSError: The file cannot be read or written.
        """
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._headers = b""
        restore(self.path)


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
    with closing(Doublewrite(path)) as saved:
        try:
            saved.open()
            connection = duckdb.connect(path, read_only, config)
            if not read_only:
                saved.save(connection)
        except OSError as error:
            raise duckdb.IOException(str(error)) from None
        with connection:
            yield connection


def copy_of(path: str | Path) -> Path:
    """Return where the copy of a database file lies, by whichever of its names that is opened."""
    return Path(os.path.realpath(path) + ENDING)


def restore(path: str | Path) -> bool:
    """Put blocks back that a killed process has left half written, and remove their copy.

    Nothing is done while another process has the file open, for then it is whole. Not to be
    called while this process has it open.

    Args:
        path: The database file, which need not exist.

    Returns:
        Whether blocks were put back.

    Raises:
        OSError: The file or its copy cannot be read or written.
    """
    copy = copy_of(path)
    if not (copy.exists() and os.access(path, os.W_OK)):
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
        copy.unlink(missing_ok=True)
    return is_restored


def _write(copy: Path, file: int, headers: bytes, size: int, places: list[int]) -> None:
    """Copy blocks of an open file to one beside it, which no one may read who may not read that.

    A copy that is cut off lacks its digest: the checkpoint that it is for has not begun.
    """
    start = _MAGIC + headers + _SIZES.pack(size, len(places))
    start += struct.pack(f"<{len(places)}Q", *places)
    digest = blake2b()
    mode = os.fstat(file).st_mode & 0o666
    with open(copy, "wb", opener=partial(os.open, mode=mode)) as written:
        for part in chain([start], (os.pread(file, size, place) for place in places)):
            digest.update(part)
            written.write(part)
        written.write(digest.digest())
        written.flush()
        os.fsync(written.fileno())


def _put_back(copy: Path, file: int) -> bool:
    """Write the blocks of a copy to the open file that they are of; return whether any differed."""
    start = _MAGIC + os.pread(file, _HEADERS, 0)
    with copy.open("rb") as written:
        if written.read(len(start)) != start:
            return False  # the checkpoint has come to its end, or the file is another
        content = written.read()
    digest = blake2b(start)
    body, expected = content[: -digest.digest_size], content[-digest.digest_size :]
    digest.update(body)
    if digest.digest() != expected:
        return False  # it was cut off, so the checkpoint had not begun
    size, count = _SIZES.unpack_from(body)
    places = struct.unpack_from(f"<{count}Q", body, _SIZES.size)
    blocks = body[len(body) - count * size :]
    is_restored = False
    for index, place in enumerate(places):
        block = blocks[index * size :][:size]
        if os.pread(file, size, place) != block:
            os.pwrite(file, block, place)
            is_restored = True
    os.fsync(file)
    return is_restored
