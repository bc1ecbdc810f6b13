"""A list of records that are made when first asked for, kept encoded in a file, and can change."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, MutableSequence
from tempfile import TemporaryFile
from threading import RLock
from typing import TYPE_CHECKING, overload

import msgspec

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

Record = dict[str, object]

_BLOCK = 1000
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


class _Spool:
    """The encoded bytes of generated records in a nameless file, a thousand at a time.

    Neighbours are parted by a comma, so that a page is one read.
    """

    def __init__(
        self, count: int, make: Callable[[int], Record], stamp: Callable[[Record], int]
    ) -> None:
        self._count = count
        self._make = make
        self._stamp = stamp
        self._stamps: dict[int, array[int]] = {}
        self._file = TemporaryFile()  # noqa: SIM115 - closed by close()
        self._end = 0
        self._blocks: dict[int, tuple[int, array[int]]] = {}

    def close(self) -> None:
        self._file.close()

    def _block(self, number: int) -> tuple[int, array[int]]:
        """Return where a block begins in the file, and where its records begin in the block."""
        if number not in self._blocks:
            first = number * _BLOCK
            made = [self._make(index) for index in range(first, min(first + _BLOCK, self._count))]
            self._stamps[number] = array("q", map(self._stamp, made))
            records = [_encode(record) for record in made]
            starts = array("Q", [0])
            for record in records:
                starts.append(starts[-1] + len(record) + 1)
            data = b",".join(records)
            os.pwrite(self._file.fileno(), data, self._end)
            self._blocks[number] = (self._end, starts)
            self._end += len(data)
        return self._blocks[number]

    def stamps(self) -> array[int]:
        """Return the stamps of all records, which makes those that are not made yet."""
        whole: array[int] = array("q")
        for number in range(-(-self._count // _BLOCK)):
            self._block(number)
            whole.extend(self._stamps[number])
        return whole

    def read(self, start: int, end: int) -> bytes:
        """Return the records ``start`` to ``end``, parted by commas."""
        parts = []
        while start < end:
            number, offset = divmod(start, _BLOCK)
            stop = min(end - number * _BLOCK, _BLOCK)
            position, starts = self._block(number)
            size = starts[stop] - 1 - starts[offset]
            parts.append(os.pread(self._file.fileno(), size, position + starts[offset]))
            start = number * _BLOCK + stop
        return b",".join(parts)


class Records(MutableSequence[Record]):
    """A sequence of records that behaves like a list of dicts, at a small part of its size.

    A record that was handed out is *live*: changing it changes what is served. Records that
    nobody touched stay encoded on disk. Safe to use from several threads; hold :attr:`lock` around
    changes that belong together.
    """

    def __init__(
        self,
        count: int,
        make: Callable[[int], Record],
        stamp: Callable[[Record], int] = lambda _record: 0,
    ) -> None:
        """Hold ``count`` records, the one at each index made by ``make`` when first needed.

        ``stamp`` tells a record's place in time, for :meth:`between` and :meth:`by_stamp`.
        """
        self.lock = RLock()
        self._stamp = stamp
        self._spool = _Spool(count, make, stamp)
        self._order = array("Q", range(count))
        self._live: dict[int, Record] = {}
        self._next = count

    def __enter__(self) -> Self:
        """Return the records; leaving the block closes their file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file that holds the encoded records."""
        self._spool.close()

    def warm(self) -> None:
        """Make every record now, so that none is made while it is waited for."""
        with self.lock:
            for start in range(0, len(self._order), _BLOCK):
                self.encoded(start, start + _BLOCK)

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self._order)

    def _record(self, key: int) -> Record:
        if key not in self._live:
            self._live[key] = _decode(self._spool.read(key, key + 1))
        return self._live[key]

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        """Return the live record at ``index``, or a list of them."""
        with self.lock:
            if isinstance(index, slice):
                return [self._record(key) for key in self._order[index]]
            return self._record(self._order[index])

    @overload
    def __setitem__(self, index: int, value: Record) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[Record]) -> None: ...
    def __setitem__(self, index: int | slice, value: Record | Iterable[Record]) -> None:
        """Put a record, or records, in the place of others."""
        with self.lock:
            if isinstance(index, slice):
                self._order[index] = array("Q", [self._add(record) for record in value])  # type: ignore[arg-type]
            else:
                self._order[index] = self._add(value)  # type: ignore[arg-type]

    def __delitem__(self, index: int | slice) -> None:
        """Drop a record, or records."""
        with self.lock:
            del self._order[index]

    def insert(self, index: int, value: Record) -> None:
        """Put ``value`` before the record at ``index``."""
        with self.lock:
            self._order.insert(index, self._add(value))

    def _add(self, record: Record) -> int:
        key, self._next = self._next, self._next + 1
        self._live[key] = record
        return key

    def __iter__(self) -> Iterator[Record]:
        """Yield every record, live."""
        for index in range(len(self)):
            yield self[index]

    def snapshot(self) -> array[int]:
        """Return a stamp of which records there are now, for :meth:`encoded`."""
        with self.lock:
            return self._order[:]

    def between(self, low: int, high: int) -> array[int]:
        """Return a snapshot of only the records whose stamp is at least ``low``, below ``high``."""
        with self.lock:
            stamps = self._stamps()
            return array("Q", [key for key in self._order if low <= stamps[key] < high])

    def by_stamp(self, keys: array[int]) -> array[int]:
        """Return the snapshot ``keys`` in the order of the records' stamps."""
        with self.lock:
            return array("Q", sorted(keys, key=self._stamps().__getitem__))

    def _stamps(self) -> array[int]:
        """Return every record's stamp by its key."""
        stamps = self._spool.stamps()
        stamps.extend([0] * (self._next - len(stamps)))
        for key, record in self._live.items():
            stamps[key] = self._stamp(record)
        return stamps

    def position(self, identity: object) -> int:
        """Return where the record with this ``id`` stands.

        Raises:
            KeyError: there is none.
        """
        with self.lock:
            needle = _encode(identity)
            for position, key in enumerate(self._order):
                line = self._encoded(key)
                if needle in line and _decode(line).get("id") == identity:
                    return position
        raise KeyError(identity)

    def encoded(
        self,
        start: int,
        end: int,
        *,
        descending: bool = False,
        of: array[int] | None = None,
    ) -> bytes:
        """Return the records at ``start`` to ``end`` as JSON texts parted by commas.

        ``descending`` counts from the last record backwards; ``of`` is an earlier snapshot.
        """
        with self.lock:
            order = self._order if of is None else of
            if descending:
                keys = order[max(0, len(order) - end) : max(0, len(order) - start)]
                keys.reverse()
            else:
                keys = order[start:end]
            if not keys:
                return b""
            untouched = not self._live and keys[-1] - keys[0] == len(keys) - 1
            if untouched and not descending:
                return self._spool.read(keys[0], keys[-1] + 1)
            return b",".join(self._encoded(key) for key in keys)

    def _encoded(self, key: int) -> bytes:
        record = self._live.get(key)
        return self._spool.read(key, key + 1) if record is None else _encode(record)

    def lines(self) -> Iterator[bytes]:
        """Yield every record as a JSON text."""
        now = self.snapshot()
        for key in now:
            with self.lock:
                yield self._encoded(key)
