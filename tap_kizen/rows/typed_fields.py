"""The records of an object decoded straight into columns: each field as its type has it.

Whatever is not just as the type of its field has it, a list where there is one value, a number in
words, a field that came after discovery, sends its record the ordinary way (`RecordsStream.row`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from tap_kizen.rows.typed import OTHERS, TypedRecords, UnusualError, is_plain
from tap_kizen.rows.values import CHOICE, MANY, MAX_INTEGER, TEXT, WHOLE_NUMBER
from tap_kizen.timestamps import in_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_kizen.rows.columns import FieldColumns
    from tap_kizen.rows.values import FieldType

Values = tuple[Any, ...]


class Reading(NamedTuple):
    """How the values of a field are read.

    `kind` is what they are decoded as. `spread` gives a value for each column of the field, and is
    None where there is one column that holds what was decoded.
    """

    kind: Any
    spread: Callable[[Any], Values] | None = None


class Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A value of a list to choose from."""

    id: str | None = None
    code: str | None = None
    name: str | None = None


def _choice(value: Choice | None) -> Values:
    return (None, None, None) if value is None else (value.id, value.code, value.name)


def _moment(value: datetime | None) -> Values:
    return (value and in_utc(value),)


def _converted(kind: FieldType) -> Callable[[Any], Values]:
    nothing: Values = (None,) * len(kind.columns)

    def spread(value: Any) -> Values:  # noqa: ANN401 - any JSON value
        if value is None:
            return nothing
        fit = kind.fit(value)
        if not fit.is_whole:
            raise UnusualError
        return fit.values

    return spread


def reading_of(field_type: str, kind: FieldType) -> Reading:
    """Choose how to read the values of a field so that its columns hold what `kind` would give."""
    whole = Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
    by_name = {
        "checkbox": Reading(bool | None),
        "date": Reading(date | None),
        "datetime": Reading(datetime | None, _moment),
    }
    by_kind = [
        (TEXT, Reading(str | None)),
        (WHOLE_NUMBER, Reading(whole | None)),
        (MANY, Reading(list[msgspec.Raw] | None)),
        (CHOICE, Reading(Choice | None, _choice)),
    ]
    found = [reading for each, reading in by_kind if each is kind]
    return found[0] if found else by_name.get(field_type) or Reading(Any, _converted(kind))


def _entry(kind: Any) -> Any:  # noqa: ANN401 - types
    return msgspec.defstruct("Entry", [("value", kind)], frozen=True, gc=False)


class TypedFields(TypedRecords):
    """Decodes `{id, fields: {field id: {value, …}}, …}` into a row of columns."""

    @classmethod
    def of(cls, columns: Sequence[FieldColumns], names: Sequence[str]) -> TypedFields | None:
        """Return what decodes records with these fields; None where a name cannot be used.

        Args:
            columns: The fields with the names of their columns.
            names: All columns of the stream but `additional_fields`, `id` among them.
        """
        keys = [each.field.id for each in columns]
        if not all(map(is_plain, [*keys, *names])) or len(set(keys)) < len(keys):
            return None
        return cls(columns, names)

    def __init__(self, columns: Sequence[FieldColumns], names: Sequence[str]) -> None:
        """Decode these fields into these columns."""
        readings = [(each, reading_of(each.field.field_type, each.field.type)) for each in columns]
        # Fields whose one column holds what was decoded come first.
        readings.sort(key=lambda pair: pair[1].spread is not None)
        self._spreads = [reading.spread for _, reading in readings if reading.spread is not None]
        self._plain = len(readings) - len(self._spreads)
        self._fields = msgspec.defstruct(
            "Fields",
            [
                (f"f{index}", entry, msgspec.field(name=each.field.id, default=entry(None)))
                for index, (each, reading) in enumerate(readings)
                for entry in [_entry(reading.kind)]
            ],
            forbid_unknown_fields=True,
            gc=False,
        )
        ordered = [name for each, _ in readings for name in each.names]
        ordered += [name for name in names if name != "id" and name not in ordered]
        attributes = {name: f"c{index}" for index, name in enumerate(ordered)}
        self._row = msgspec.defstruct(
            "Row",
            [
                ("id", str),
                (OTHERS, Any),
                *(
                    (attribute, Any, msgspec.field(name=name, default=None))
                    for name, attribute in attributes.items()
                ),
            ],
            gc=False,
        )
        times = [each.names[0] for each, reading in readings if each.field.field_type == "datetime"]
        super().__init__(times, attributes)

    def _shape(self) -> Any:  # noqa: ANN401 - a type
        return msgspec.defstruct(
            "Record",
            [("id", str), ("fields", self._fields), *self._other_fields()],
            forbid_unknown_fields=True,
            gc=False,
        )

    def _taken(self, records: list[Any]) -> list[Any]:
        astuple, make, count, spreads = (
            msgspec.structs.astuple, self._row, self._plain, self._spreads,
        )  # fmt: skip
        rows = []
        for record in records:
            values = [entry.value for entry in astuple(record.fields)]
            held = values[:count]
            for spread, value in zip(spreads, values[count:], strict=True):
                held += spread(value)
            rows.append(make(record.id, self._take_others(record), *held))
        return rows
