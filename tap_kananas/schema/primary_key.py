"""Whether the primary key fits the account, and a key for accounts that have none.

Of each record only a 64-bit hash is kept, 8 bytes, so that half a million records take 4 MB.
Where two hashes are equal, the values themselves are compared.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from tap_kananas.schema.inference import Kind, conform, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_kananas.schema.spool import Spool

#: The column that holds a hash of the record, where `primary_keys` names it.
RECORD_HASH = "record_hash"

MAX_NAMES = 30

# Enough records to find most columns that repeat; the rest are checked a few at a time.
_FIRST_RECORDS = 10_000
_COLUMNS_AT_ONCE = 4
# More equal hashes than this are no accident, and are not compared.
_MAX_COMPARED = 10_000

_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def _plain(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Return a value as the table may hold it, where 1 and "1" are the same; None for no value.

    Two spellings of one moment become the same timestamp in UTC.
    """
    if isinstance(value, str):
        is_moment = value[4:5] == "-" and kind_of(value) is Kind.TIMESTAMP
        return conform(value, Kind.TIMESTAMP) if is_moment else value or None
    if value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value)


def identity(record: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, ...] | None:
    """Return the values of the key of a record; None where one of them is missing or empty."""
    values = tuple(_plain(record.get(column)) for column in columns)
    return None if None in values else values  # type: ignore[return-value]


def _repeated(hashes: Iterable[int]) -> list[int]:
    """Return the hashes that occur again, once for each time they do."""
    ordered = sorted(hashes)
    return [one for one, next_one in pairwise(ordered) if one == next_one]


class PrimaryKeyCheck:
    """Checks whether the key is in every record, and different in each."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Check the given columns together."""
        self._columns = tuple(columns)
        self._hashes = array("q")
        self._known: set[int] | None = None
        self._count = 0
        self._page_began = 0
        self._repeats_in_pages = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Take one record into account."""
        self._count += 1
        found = identity(record, self._columns)
        if found is not None:
            self._hashes.append(hash(found))
            if self._known is not None:
                self._known.add(hash(found))

    def is_new(self, record: Mapping[str, Any]) -> bool:
        """Return whether no record before had the key of this one, or it has none."""
        if self._known is None:
            # Asked for a list that moved only: a set takes eight times the memory of the array.
            self._known = set(self._hashes)
        found = identity(record, self._columns)
        return found is None or hash(found) not in self._known

    def end_page(self) -> None:
        """Note that a page ends: a list that moves may show a record again on the next one."""
        page = self._hashes[self._page_began :]
        self._repeats_in_pages += len(_repeated(page))
        self._page_began = len(self._hashes)

    def problem(self, records: Spool, *, paged: bool = False) -> str | None:
        """Return why the columns cannot be the key.

        Args:
            records: All records that were seen, to compare values and to name better columns.
            paged: Whether a record may come again on another page.

        Returns:
            One line that also names the columns that could be the key and those there are;
            None where the key is good.
        """
        named = " + ".join(f"'{name}'" for name in self._columns)
        missing = self._count - len(self._hashes)
        if missing:
            problem = (
                f"the key {named} is missing or empty in {missing:,} of {self._count:,} records"
            )
        else:
            repeats = self._repeats_in_pages if paged else self._repeats(records)
            if not repeats:
                return None
            problem = (
                f"the key {named} has only {self._count - repeats:,} values in "
                f"{self._count:,} records"
            )
        names = _names(records)
        candidates = candidate_keys(records)
        could = (
            f"could be the key: {', '.join(candidates[:MAX_NAMES])}"
            if candidates
            else f"no column could be it (then '{RECORD_HASH}' can: a hash of the whole record)"
        )
        return f"{problem}; {could}; columns seen: {', '.join(names[:MAX_NAMES])}"

    def _repeats(self, records: Spool) -> int:
        """Count the records whose key came before."""
        repeated = _repeated(self._hashes)
        if not repeated or len(repeated) > _MAX_COMPARED:
            return len(repeated)
        suspects = set(repeated)
        seen: Counter[tuple[str, ...]] = Counter()
        for record in records:
            found = identity(record, self._columns)
            if found is not None and hash(found) in suspects:
                seen[found] += 1
        return sum(times - 1 for times in seen.values())


def _names(records: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))


def candidate_keys(records: Spool) -> list[str]:
    """Return the columns whose values are all there, plain and different."""
    names = _all_different(islice(iter(records), _FIRST_RECORDS), _names(records))
    found: list[str] = []
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        found += _all_different(records, names[start : start + _COLUMNS_AT_ONCE])
    return found


def _all_different(records: Iterable[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    hashes = {name: array("q") for name in names}
    for record in records:
        for name in list(hashes):
            value = record.get(name)
            plain = None if isinstance(value, float) else _plain(value)
            if plain is None:
                del hashes[name]
            else:
                hashes[name].append(hash(plain))
    return [name for name, values in hashes.items() if not _repeated(values)]


class RecordHasher:
    """Hashes records.

    The hash is SHA-256 over the record as JSON with its names sorted, as hexadecimal text.
    Records that are equal in all their columns get different hashes, counted in the order in
    which they come: they are two rows at the service, and stay two.
    """

    def __init__(self) -> None:
        """Begin without a record."""
        self._seen: Counter[bytes] = Counter()

    def __call__(self, record: Mapping[str, Any]) -> str:
        """Return the hash of one more record."""
        digest, short = _digest(record)
        self._seen[short] += 1
        if self._seen[short] > 1:
            digest.update(b"#%d" % self._seen[short])
        return digest.hexdigest()

    def has_seen(self, record: Mapping[str, Any]) -> bool:
        """Return whether a record like this one was hashed; it is not counted."""
        return _digest(record)[1] in self._seen


def _digest(record: Mapping[str, Any]) -> tuple[hashlib._Hash, bytes]:
    """Return the digest of a record, and its first 8 bytes."""
    try:
        text = _encode_sorted(record)
    except UnicodeEncodeError:
        text = json.dumps(record, sort_keys=True).encode()
    digest = hashlib.sha256(text)
    return digest, digest.digest()[:8]
