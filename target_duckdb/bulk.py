"""Many records at once, from lines of JSON to lines of a staging file.

What `codec` does to one record after another is done to some hundred at a time here, so that
`msgspec` runs through them without Python in between. Only records that are just as their schema
has them are staged so; where one of them is not, none is, and each goes its own way.

Objects and arrays, which a column of type JSON keeps as text, are not made texts here: DuckDB
writes that text while it reads the staging file, and need not parse it again. It writes the same
one, but for numbers that it would round or spell otherwise, and control characters; records that
hold any get their texts here.

Where the schema says what is in such a value, it is decoded twice: as what the schema says, and as
all that is there. The first is enough for lines that come out of it, letter by letter, as they went
in: then nothing was there that the schema does not name, no name stood twice, and each line was one
record. Services that write JSON without spaces, in the order of the schema, send such lines.

So it may be something stricter still that decodes them: members in the order of some records
before, and where the schema leaves open what is in a value, what was in theirs.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from target_duckdb.errors import InvalidValueError
from target_duckdb.fields import SlowPathError, json_text, row_type
from target_duckdb.likely import likely_type
from target_duckdb.shapes import spells_alike
from target_duckdb.values import exact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from decimal import Decimal

    from target_duckdb.fields import Column, FieldPlan

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_CONTROL_CHARACTER = b"\\u00"
"""How the encoder begins each control character that has no letter of its own."""

_MISSES = 8
"""After so many pieces in a row that did not come out as they went in, that is not tried again."""

_LEARNT_FROM = 2
"""The piece that shows what is in values that the schema leaves open: many streams have but one."""

_ANY_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])

_REFUSALS = (
    msgspec.DecodeError, SlowPathError, InvalidValueError, UnicodeError, RecursionError,
)  # fmt: skip


class Staged(NamedTuple):
    """Records that were appended to a staging buffer.

    Attributes:
        rows: How many.
        has_texts: Whether their objects and arrays were made texts.
    """

    rows: int
    has_texts: bool


def is_one_per_line(lines: bytes, count: int) -> bool:
    """Tell whether lines that were decoded as so many objects hold one whole object each.

    `msgspec` takes any white space between values for the end of a line.
    """
    breaks = lines.count(b"\n") - lines.endswith(b"\n")
    # Inside an object a bracket that closes never stands right before one that opens.
    return breaks == count - 1 == lines.count(b"}\n{")


def may_have_controls(encoded: bytes) -> bool:
    """Tell whether there can be control characters in what the encoder wrote."""
    # One character is looked for much faster than several, and many records hold none at all.
    return b"\\" in encoded and _CONTROL_CHARACTER in encoded


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from looking through what is about to be decoded, again and again.

    JSON makes no cycles.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass
class _StrictWay:
    """A decoder for lines that come out as they went in, and how often in a row they did not."""

    decoder: msgspec.json.Decoder[Any]
    misses: int = 0


class BulkStager:
    """Stages records of one stream under one schema, many at a time."""

    def __init__(  # noqa: PLR0913
        self,
        columns: Sequence[Column],
        plans: Sequence[FieldPlan],
        *,
        needed: Collection[str],
        keys: Collection[str],
        metadata: Collection[str],
        forbid_unknown: bool,
    ) -> None:
        """Make the decoders.

        Args:
            columns: The stream's columns.
            plans: How each of them is decoded.
            needed: Names of properties that no record may lack.
            keys: Names of the key properties, which are not null.
            metadata: Names of the metadata columns.
            forbid_unknown: Whether a property that is no column makes a record unusual.
        """
        pairs = list(zip(columns, plans, strict=True))
        self._metadata = metadata
        self._nested = [c.attribute for c, plan in pairs if plan.nested is not None]
        self._keys = [attrgetter(c.attribute) for c in columns if c.name in keys]
        self._fixes = [
            (c.attribute, plan.fix)
            for c, plan in pairs
            if plan.nested is None and plan.fix is not None
        ]
        annotations = {
            c.name: plan.annotation if plan.nested is None else plan.nested for c, plan in pairs
        }
        row = row_type(columns, annotations, needed, metadata, forbid_unknown=forbid_unknown)
        self._decoder = msgspec.json.Decoder(row, float_hook=self._number)
        known = {c.name: plan.checked for c, plan in pairs if plan.checked is not None}
        self._open = {
            c.name: plan.nested
            for c, plan in pairs
            if plan.nested is not None and plan.checked is None
        }

        def strict(order: Sequence[Column], types: Mapping[str, Any]) -> _StrictWay:
            row = row_type(
                order, {**annotations, **known, **types}, needed, (), forbid_unknown=forbid_unknown
            )
            return _StrictWay(msgspec.json.Decoder(row, float_hook=self._number))

        self._columns = columns
        self._strict = strict
        can_be_strict = bool(needed) and all(map(spells_alike, known.values()))
        self._ways = [strict(columns, {})] if known and can_be_strict else []
        self._is_learning = can_be_strict and bool(known or self._open)
        self._pieces = 0
        checked = [c for c, plan in pairs if plan.checked is not None]
        self._checker = None
        if checked:
            types = {c.name: plan.checked for c, plan in pairs}
            check = row_type(checked, types, needed, (), forbid_unknown=False)
            self._checker = msgspec.json.Decoder(check)
        self._is_exact = True

    def _number(self, literal: str) -> float | Decimal:
        """Decode a number inside a nested value; note one that DuckDB would write otherwise."""
        number = float(literal)
        if repr(number) == literal and "e" not in literal:
            return number
        self._is_exact = False
        return exact(literal)

    def stage(self, lines: bytes, metadata: Mapping[str, Any], to: bytearray) -> Staged | None:
        """Append records to a staging buffer, one line each.

        Args:
            lines: Records as JSON, one per line.
            metadata: Values of metadata columns, by name, the same for all.
            to: The buffer.

        Returns:
            What was appended; None where a record is unusual, and nothing was.
        """
        with uncollected():
            count = self._stage_unchanged(lines, metadata, to)
            if count is not None:
                return Staged(count, has_texts=False)
            try:
                written, staged = self._staged(lines, metadata)
            except _REFUSALS:
                return None
        if not is_one_per_line(lines, staged.rows):
            return None
        to += written
        return staged

    def _stage_unchanged(
        self, lines: bytes, metadata: Mapping[str, Any], to: bytearray
    ) -> int | None:
        """Append records that come out of one of the strict decoders as they went in."""
        for way in self._ways.copy():
            way.misses += 1
            if way.misses >= _MISSES:
                self._ways.remove(way)
                continue
            try:
                rows, written = self._strictly_decoded(way.decoder, lines)
            except _REFUSALS:
                continue
            is_same = written == lines or (not lines.endswith(b"\n") and written[:-1] == lines)
            if is_same and self._is_exact and not may_have_controls(written):
                way.misses = 0
                to += self._with_metadata(written, metadata)
                return len(rows)
        return None

    def _strictly_decoded(
        self, decoder: msgspec.json.Decoder[Any], lines: bytes
    ) -> tuple[list[Any], bytes]:
        self._is_exact = True
        rows = decoder.decode_lines(lines)
        self._learn(lines, rows)
        self._look_for_keys(rows)
        self._apply(self._fixes, rows)
        return rows, _ENCODER.encode_lines(rows)

    def _learn(self, lines: bytes, rows: list[Any]) -> None:
        """Have lines from now on decoded as these are: what the schema leaves open, and the order.

        Args:
            lines: The lines.
            rows: What was decoded from them.
        """
        self._pieces += 1
        if self._pieces != _LEARNT_FROM or not self._is_learning:
            return
        order = list(_ANY_OBJECT.decode(lines.split(b"\n", 1)[0]))
        columns = sorted(
            self._columns,
            key=lambda c: order.index(c.staged) if c.staged in order else len(order),
        )
        attributes = {c.name: c.attribute for c in columns}
        types = {
            name: likely_type(known, [getattr(row, attributes[name]) for row in rows])
            for name, known in self._open.items()
        }
        self._ways.insert(0, self._strict(columns, types))

    def _with_metadata(self, lines: bytes, metadata: Mapping[str, Any]) -> bytes:
        """Add members to each line, of which none is empty."""
        added = {name: metadata[name] for name in self._metadata if name in metadata}
        if not added:
            return lines
        end = b"," + _ENCODER.encode(added)[1:] + b"\n"
        # Inside a text a line break is written otherwise. To look for "}\n" would take longer.
        return end.join([line[:-1] for line in lines.split(b"\n")])

    def _look_for_keys(self, rows: list[Any]) -> None:
        """Raise an error where a key is null."""
        for key in self._keys:
            if None in map(key, rows):
                raise SlowPathError

    def _staged(self, lines: bytes, metadata: Mapping[str, Any]) -> tuple[bytes, Staged]:
        self._is_exact = True
        if self._checker is not None:
            self._checker.decode_lines(lines)
        rows = self._decoder.decode_lines(lines)
        self._learn(lines, rows)
        self._look_for_keys(rows)
        self._apply(self._fixes, rows)
        for name in self._metadata:
            value = metadata.get(name, msgspec.UNSET)
            for row in rows:
                setattr(row, name, value)
        written = _ENCODER.encode_lines(rows) if self._is_exact else b""
        has_texts = not self._is_exact or (bool(self._nested) and may_have_controls(written))
        if has_texts:
            self._apply([(attribute, json_text) for attribute in self._nested], rows)
            written = _ENCODER.encode_lines(rows)
        return written, Staged(len(rows), has_texts)

    @staticmethod
    def _apply(fixes: list[tuple[str, Any]], rows: list[Any]) -> None:
        for attribute, fix in fixes:
            for row in rows:
                value = getattr(row, attribute)
                if value is not None and value is not msgspec.UNSET:
                    setattr(row, attribute, fix(value))
