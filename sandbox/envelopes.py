"""The shapes in which a list of records can be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK = 1000


class Envelope(NamedTuple):
    """What stands before and after the records; ``keyed`` records stand under their id."""

    before: bytes
    after: bytes
    keyed: bool = False
    when_empty: bytes | None = None


ENVELOPES = {
    "array": Envelope(b"[", b"]"),
    "object": Envelope(b'{"contacts":[', b"]}"),
    # PHP writes an empty map as an empty list.
    "keyed": Envelope(b"{", b"}", keyed=True, when_empty=b"[]"),
}
"""By the name that ``--envelope`` takes."""


def enveloped(
    envelope: Envelope, count: int, encoded: Callable[[int, int], bytes]
) -> Iterator[bytes]:
    """Yield an answer of ``count`` records piece by piece.

    ``encoded`` returns the records between two positions as JSON texts parted by commas.
    """
    if count == 0 and envelope.when_empty is not None:
        yield envelope.when_empty
        return
    yield envelope.before
    for start in range(0, count, _BLOCK):
        piece = encoded(start, start + _BLOCK)
        if start:
            yield b","
        yield _keyed(piece) if envelope.keyed else piece
    yield envelope.after


def _keyed(piece: bytes) -> bytes:
    """Return the records as members of an object, their ``id`` moved into the member's name."""
    members = []
    for record in msgspec.json.decode(b"[" + piece + b"]", type=list[dict[str, object]]):
        name = msgspec.json.encode(str(record.pop("id", "")))
        members.append(name + b":" + msgspec.json.encode(record))
    return b",".join(members)
