"""Which column holds which part of which field, by predictable names."""

from __future__ import annotations

from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from rest_tap.names import LOADER_COLUMNS
from rest_tap.writers.messages import encode
from tap_kizen.rows.shapes import MOMENT, table
from tap_kizen.rows.values import FIELD_TYPES, UNKNOWN, FieldType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: Columns of every record stream, whatever its fields.
RESERVED = ("id", "created", "updated", "additional_fields")

#: Fields that Kizen itself keeps, and that are lifted to the front.
TIMES = ("created", "updated")


class Field(NamedTuple):
    """A field of an object: its id, its API name, its type, and whether Kizen hides it."""

    id: str
    name: str
    field_type: str
    is_hidden: bool = False

    @property
    def type(self) -> FieldType:
        """The columns of the field's type."""
        return FIELD_TYPES.get(self.field_type, UNKNOWN)


class FieldColumns(NamedTuple):
    """A field with the names of its columns, in the order of its type."""

    field: Field
    names: tuple[str, ...]


def fields_of(records: Iterable[Mapping[str, Any]]) -> list[Field]:
    """Read fields from the records of `GET /custom-objects/{id}/fields`, ordered by id.

    The order makes names that collide come out the same, however the service sorts. What
    has neither id nor name cannot be told apart and is left out; its values then are kept
    in `additional_fields`.
    """
    fields = [
        Field(
            record["id"],
            record["name"],
            str(record.get("field_type")),
            is_hidden=record.get("is_hidden") is True,
        )
        for record in records
        if isinstance(record.get("id"), str)
        and isinstance(record.get("name"), str)
        and record["name"]
    ]
    return sorted(fields)


def name_columns(fields: Iterable[Field]) -> list[FieldColumns]:
    """Name the columns of all fields so that no two are equal, upper and lower case alike.

    A column is named as its field, with the suffix of its part where the type has several.
    Fields of one column go first, so that a field `total_amount` keeps its name beside the
    amount of a money field `total`. Of several fields that claim one name, the one with the
    lowest id gets it; all columns of each other get `_` and the first 8 characters of the
    field's id.
    """
    ordered = list(fields)
    named = {field.id: FieldColumns(field, (field.name,)) for field in _times(ordered)}
    taken = {*RESERVED, *LOADER_COLUMNS}
    others = [field for field in ordered if field.id not in named]
    for field in sorted(others, key=lambda each: "" not in each.type.columns):
        names = _names(field, taken)
        taken.update(name.lower() for name in names)
        named[field.id] = FieldColumns(field, names)
    return [named[field.id] for field in ordered]


def mark_of(*facts: object) -> str:
    """Return a short mark by which a later run tells whether a column is the same."""
    return blake2b(encode(facts), digest_size=4).hexdigest()


def _times(fields: list[Field]) -> Iterator[Field]:
    """Yield the fields that hold the record's own times: the first of each name."""
    for name in TIMES:
        found = (each for each in fields if each.name == name and each.field_type == "datetime")
        yield from islice(found, 1)


def _names(field: Field, taken: set[str]) -> tuple[str, ...]:
    names = tuple(field.name + suffix for suffix in field.type.columns)
    if any(name.lower() in taken for name in names):
        names = tuple(f"{name}_{field.id[:8]}" for name in names)
    if any(name.lower() in taken for name in names):
        names = tuple(f"{field.name}{suffix}_{field.id}" for suffix in field.type.columns)
    return names


def schema_of(columns: Iterable[FieldColumns]) -> dict[str, Any]:
    """Return the JSON schema of a record stream; fields stand in the order of their names."""
    properties = {
        name: schema
        for each in sorted(columns, key=lambda each: each.names)
        for name, schema in zip(each.names, each.field.type.columns.values(), strict=True)
    }
    times = dict.fromkeys(TIMES, MOMENT)
    return table(**times, **{name: properties[name] for name in properties if name not in times})
