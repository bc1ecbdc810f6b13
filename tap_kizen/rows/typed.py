"""Records decoded straight into the columns of their stream, where they are as usual.

`msgspec` decodes such records into structures made for the stream, a page at a time: it checks
every type on the way, and leaves what lies within nested values as the bytes it came as. Where a
record is not as usual, in the type of a value or by a key that was never seen, this record goes
the ordinary way, which is slower and knows what to do with everything.

Keys without a column belong into `additional_fields`. The first record that has one goes the
ordinary way; from then on the key is expected.
"""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from rest_tap.responses import exact
from tap_kizen.timestamps import in_utc, to_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

#: How many keys without a column are looked for in every record.
MAX_OTHERS = 64

OTHERS = "additional_fields"
UNSET = msgspec.UNSET

#: The type of what is never in a record: no text is that long and that short.
_NOTHING = Annotated[str, msgspec.Meta(min_length=1, max_length=0)]
_TYPES: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "object": dict[str, msgspec.Raw],
    "array": list[msgspec.Raw],
    "null": None,
}


class UnusualError(Exception):
    """A value is not as usual, which its type did not tell."""


_UNUSUAL = (
    msgspec.DecodeError, UnusualError, UnicodeDecodeError, RecursionError, OverflowError,
)  # fmt: skip


class TypedPage(msgspec.Struct):
    """A page of a list, whose records are structures or not decoded at all."""

    results: list[Any]
    next: str | None = None
    count: int | None = None
    errors: Any = None


def _page_of(record: Any) -> msgspec.json.Decoder[TypedPage]:  # noqa: ANN401 - a type
    page = msgspec.defstruct("Page", [("results", list[record])], bases=(TypedPage,))
    return msgspec.json.Decoder(page, float_hook=exact)


_raw_page = _page_of(msgspec.Raw)


class TypedRecords(ABC):
    """Decodes the records of one stream.

    A record is then a structure with an attribute for each column: `id`, and what `attributes`
    says for the others. Moments are in UTC.
    """

    def __init__(self, times: Iterable[str], attributes: Mapping[str, str]) -> None:
        """Expect no other keys yet.

        Args:
            times: The columns that hold moments.
            attributes: The attribute of each column.
        """
        self.attributes = attributes
        self._times = [attributes[name] for name in times]
        self._others: dict[str, str] = {}
        self._make_decoders()

    def decode(self, body: bytes, otherwise: Callable[[msgspec.Raw], Any]) -> TypedPage | None:
        """Decode a page.

        Args:
            body: A whole answer.
            otherwise: Decodes a record that is not as usual.

        Returns:
            The page; None where it is no JSON in the strict sense, or no page.
        """
        try:
            # What is left as it is has not been looked at for this.
            body.decode()
        except UnicodeDecodeError:
            return None
        with _uncollected():
            try:
                page = self._page.decode(body)
                page.results = self._taken(page.results)
            except _UNUSUAL:
                pass
            else:
                return page
            try:
                page = _raw_page.decode(body)
            except _UNUSUAL:
                return None
            page.results = [self._one(raw) or otherwise(raw) for raw in page.results]
            return page

    def _one(self, raw: msgspec.Raw) -> Any:  # noqa: ANN401 - a structure made at run time
        try:
            return self._taken([self._record.decode(raw)])[0]
        except _UNUSUAL:
            return None

    def finish(self, row: Any) -> Any:  # noqa: ANN401
        """Return what is written for a record: its moments all have six decimals.

        The row itself stays as it is: the paginator still looks at its moments.
        """
        for attribute in self._times:
            moment = getattr(row, attribute)
            if moment and not moment.microsecond:
                row = msgspec.structs.replace(row, **{attribute: to_utc(moment)})
        return row

    def timestamp(self, row: Any, name: str) -> datetime | None:  # noqa: ANN401
        """Return a time of a record; None where it has none."""
        attribute = self.attributes.get(name)
        return (getattr(row, attribute) or None) if attribute else None

    def learn(self, keys: Iterable[str]) -> None:
        """Expect further keys that have no column, as long as there are not too many."""
        known = {*self._others, *filter(is_plain, keys)}
        if len(self._others) < len(known) <= MAX_OTHERS:
            # In the order in which they are written.
            self._others = {key: f"o{index}" for index, key in enumerate(sorted(known))}
            self._make_decoders()

    def _make_decoders(self) -> None:
        shape = self._shape()
        self._page = _page_of(shape)
        self._record = msgspec.json.Decoder(shape, float_hook=exact)

    @abstractmethod
    def _shape(self) -> Any:  # noqa: ANN401 - a type
        """Make the type that records are decoded as."""

    @abstractmethod
    def _taken(self, records: list[Any]) -> list[Any]:
        """Make rows of what was decoded.

        Raises:
            UnusualError: If there is a value that its column does not hold.
            OverflowError: If there is a moment that has no year in UTC.
        """

    def _other_fields(self) -> list[tuple[str, Any, Any]]:
        return [
            (attribute, msgspec.Raw | msgspec.UnsetType, msgspec.field(name=key, default=UNSET))
            for key, attribute in self._others.items()
        ]

    def _take_others(self, record: Any) -> dict[str, Any] | None:  # noqa: ANN401
        """Take the keys without a column out of a record."""
        taken = {}
        for key, attribute in self._others.items():
            value = getattr(record, attribute)
            if value is not UNSET:
                taken[key] = value
                setattr(record, attribute, UNSET)
        return taken or None


class TypedTable(TypedRecords):
    """Decodes records whose keys are columns."""

    @classmethod
    def of(cls, columns: Mapping[str, Mapping[str, Any]]) -> TypedTable | None:
        """Return what decodes records with these columns; None where a type is not known here.

        Args:
            columns: The JSON schema of each column but `additional_fields`, `id` among them.
        """
        types: dict[str, Any] = {}
        for name, schema in columns.items():
            kinds = dict(_TYPES)
            if "format" in schema:
                kinds["string"] = {"date-time": datetime}.get(schema["format"])
            parts = [kinds.get(kind, msgspec.Raw) for kind in schema["type"]]
            if not is_plain(name) or msgspec.Raw in parts:
                return None
            types[name] = union(parts)
        times = [name for name, schema in columns.items() if "format" in schema]
        return cls(types, times)

    def __init__(self, types: Mapping[str, Any], times: Sequence[str]) -> None:
        """Decode these columns, each as its type."""
        self._types = types
        attributes = {name: f"c{index}" for index, name in enumerate(types)}
        super().__init__(times, {**attributes, "id": "id"})

    def _shape(self) -> Any:  # noqa: ANN401 - a type
        columns: list[tuple[str, Any, Any]] = [("id", str, msgspec.field())]
        for name, kind in self._types.items():
            if name != "id":
                field = msgspec.field(name=name, default=UNSET)
                columns.append((self.attributes[name], kind | msgspec.UnsetType, field))
        columns.append((OTHERS, _NOTHING, msgspec.field(default=None)))
        return msgspec.defstruct(
            "Row",
            [*columns, *self._other_fields()],
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )

    def _taken(self, records: list[Any]) -> list[Any]:
        for attribute in self._times:
            for row in records:
                moment = getattr(row, attribute)
                if moment:
                    setattr(row, attribute, in_utc(moment))
        if self._others:
            for row in records:
                row.additional_fields = self._take_others(row)
        return records


def union(types: Iterable[Any]) -> Any:  # noqa: ANN401 - a type
    """Return the type that takes what any of the types takes."""
    first, *others = types
    for other in others:
        first = first | other
    return first


def is_plain(key: str) -> bool:
    """Return whether `msgspec` can name a field so, and no other field here has the name."""
    return key not in {"", OTHERS} and not any(
        sign in '"\\' or sign < " " or "\ud800" <= sign <= "\udfff" for sign in key
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from looking through what is decoded: JSON makes no cycles."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
