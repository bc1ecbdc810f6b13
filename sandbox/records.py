"""A list of records that are made when first asked for, kept as JSON, and can change."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, MutableSequence
from threading import RLock
from typing import overload

import msgspec

Record = dict[str, object]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


class Records(MutableSequence[Record]):
    """A sequence of records that behaves like a list of dicts, at a third of its size.

    A record that was handed out is *live*: changing it changes what is served. Records that
    nobody touched are kept as JSON. Safe to use from several threads; hold :attr:`lock` around
    changes that belong together.
    """

    def __init__(
        self,
        count: int,
        make: Callable[[int], Record],
        timestamp: Callable[[Record], int] = lambda _record: 0,
    ) -> None:
        """Hold ``count`` records, the one at each index made by ``make`` when first needed.

        ``timestamp`` tells a record's place in time, for :meth:`between` and :meth:`by_timestamp`.
        """
        self.lock = RLock()
        self._make = make
        self._timestamp = timestamp
        # A record's key is its index when it was made, or the next number for one that came later.
        self._order = array("Q", range(count))
        self._next = count
        self._lines: dict[int, bytes] = {}
        self._timestamps: dict[int, int] = {}
        self._live: dict[int, Record] = {}

    def warm(self) -> None:
        """Make every record now, so that none is made while it is waited for."""
        for _ in self.lines():
            pass

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self._order)

    def _record(self, key: int) -> Record:
        if key not in self._live:
            self._live[key] = _decode(self._line(key))
        return self._live[key]

    def _line(self, key: int) -> bytes:
        """Return a record as JSON."""
        if key in self._live:
            return _encode(self._live[key])
        line = self._lines.get(key)
        if line is None:
            record = self._make(key)
            self._timestamps[key] = self._timestamp(record)
            line = self._lines[key] = _encode(record)
        return line

    def _time(self, key: int) -> int:
        """Return the timestamp of a record as it is now."""
        if key in self._live:
            return self._timestamp(self._live[key])
        if key not in self._timestamps:
            self._line(key)
        return self._timestamps[key]

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
        """Return the keys of the records that there are now, for :meth:`encoded`."""
        with self.lock:
            return self._order[:]

    def between(self, low: int, high: int) -> array[int]:
        """Return a snapshot of the records whose timestamp is at least ``low``, below ``high``."""
        with self.lock:
            return array("Q", [key for key in self._order if low <= self._time(key) < high])

    def by_timestamp(self, keys: array[int]) -> array[int]:
        """Return the snapshot ``keys`` in the order of the records' timestamps."""
        with self.lock:
            return array("Q", sorted(keys, key=self._time))

    def position(self, identity: object) -> int:
        """Return where the record with this ``id`` stands.

        Raises:
            KeyError: there is none.
        """
        with self.lock:
            needle = _encode(identity)
            for position, key in enumerate(self._order):
                line = self._line(key)
                if needle in line and _decode(line).get("id") == identity:
                    return position
        raise KeyError(identity)

    def encoded(
        self, start: int, end: int, *, descending: bool = False, of: array[int] | None = None
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
            return b",".join(map(self._line, keys))

    def lines(self) -> Iterator[bytes]:
        """Yield every record as JSON."""
        for key in self.snapshot():
            with self.lock:
                yield self._line(key)
