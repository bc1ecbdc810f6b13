"""The shapes in which a list of records can be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK = 1000


class Envelope(NamedTuple):
    """What stands before and after the records.

    ``keyed`` records are members of an object under their id; ``holds_id``: and still hold it.
    PHP writes an empty map as an empty list: ``when_empty`` is that answer.
    """

    before: bytes
    after: bytes
    keyed: bool = False
    holds_id: bool = False
    when_empty: bytes | None = None


ENVELOPES = {
    "array": Envelope(b"[", b"]"),
    "object": Envelope(b'{"contacts":[', b"]}"),
    "keyed": Envelope(b"{", b"}", keyed=True, when_empty=b"[]"),
    "keyed-with-id": Envelope(b"{", b"}", keyed=True, holds_id=True, when_empty=b"[]"),
    "described": Envelope(b'{"status":"ok","errors":[],"contacts":[', b'],"page":{"number":1}}'),
    "nested": Envelope(b'{"data":{"items":[', b"]}}"),
    "nested-keyed": Envelope(
        b'{"data":{"contacts":{', b"}}}", keyed=True, when_empty=b'{"data":{"contacts":[]}}'
    ),
    "beside-others": Envelope(b'{"groups":[{"id":1,"name":"A"}],"contacts":[', b"]}"),
    "ambiguous": Envelope(b'{"groups":[{"id":1,"name":"A"}],"items":[', b"]}"),
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
        yield _keyed(piece, holds_id=envelope.holds_id) if envelope.keyed else piece
    yield envelope.after


def _keyed(piece: bytes, *, holds_id: bool) -> bytes:
    """Return the records as members of an object, each under its ``id``."""
    members = []
    for record in msgspec.json.decode(b"[" + piece + b"]", type=list[dict[str, object]]):
        name = msgspec.json.encode(str(record.get("id", "")))
        if not holds_id:
            record.pop("id", None)
        members.append(name + b":" + msgspec.json.encode(record))
    return b",".join(members)
