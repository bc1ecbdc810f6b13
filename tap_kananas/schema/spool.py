"""Records on disk, one after the other, between the moment they are read and that of sending.

A schema has to be sent before the first record, and to know it every record must have been
seen. The file has no name and belongs to this user alone (mode 0600).
"""

from __future__ import annotations

import json
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any
from weakref import finalize

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BUFFER_BYTES = 1024 * 1024

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Spool:
    """A list of records, appended to once, then read as often as needed."""

    def __init__(self) -> None:
        """Begin with none."""
        self._file: IO[bytes] = TemporaryFile(buffering=_BUFFER_BYTES)  # noqa: SIM115 - see below
        # Removed with the spool itself, which lives as long as its stream.
        finalize(self, self._file.close)
        self._count = 0

    def __len__(self) -> int:
        """Return how many records there are."""
        return self._count

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record."""
        try:
            line = _encode(record)
        except UnicodeEncodeError:
            # Half a surrogate pair is no character, but JSON has a way to write it.
            line = json.dumps(record).encode()
        self._file.write(line + b"\n")
        self._count += 1

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the records; one reader at a time."""
        self._file.seek(0)
        for line in self._file:
            yield _decoded(line)


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        return _decode(line)
    except msgspec.DecodeError:
        record: dict[str, Any] = json.loads(line)
        return record
