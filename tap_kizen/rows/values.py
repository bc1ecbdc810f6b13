"""The values of Kizen's field types, as columns.

Shapes are from Kizen's own public code and captured answers. Where a value fits its columns
in part only, the columns hold what fits and the value is kept whole beside them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tap_kizen.rows.shapes import ANY, BOOLEAN, DATE, INTEGER, LIST, MOMENT, NUMBER, STRING
from tap_kizen.timestamps import parse_timestamp, to_utc

if TYPE_CHECKING:
    from collections.abc import Callable

Json = Any

#: The largest integer that fits 64 bits with a sign.
MAX_INTEGER = 2**63 - 1


class Fit(NamedTuple):
    """What the columns of a field hold of a value.

    `values` has one item per column. `is_whole` tells whether nothing else was in the value.
    """

    values: tuple[Json, ...]
    is_whole: bool = True


@dataclass(frozen=True)
class FieldType:
    """The columns of a field type: suffixes to the field's name with their JSON schemas.

    `convert` takes an unwrapped value that is not null. Values of the type `plain` are what the
    one column holds, as they are.
    """

    columns: dict[str, dict[str, Any]]
    convert: Callable[[Json], Fit]
    plain: type | None = None

    def fit(self, value: Json) -> Fit:
        """Put a value into the columns; null leaves all of them null."""
        value = unwrap(value)
        return Fit((None,) * len(self.columns)) if value is None else self.convert(value)


def unwrap(value: Json) -> Json:
    """Take a value out of objects that hold it, and nothing else, under `value`."""
    while isinstance(value, dict) and value.keys() == {"value"}:
        value = value["value"]
    return value


def _only(value: Json) -> Json:
    """Take the element out of a list that has one."""
    return unwrap(value[0]) if isinstance(value, list) and len(value) == 1 else value


def _text(value: Json) -> Fit:
    value = _only(value)
    if isinstance(value, str):
        return Fit((value,))
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Fit((str(value),))
    return Fit((None,), is_whole=False)


def _number(value: Json) -> int | float | Decimal | None:
    """Read a number, with all of its digits; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, str | Decimal):
        return None
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _double(value: Json) -> int | float | Decimal | None:
    """Read a number that a double holds without loss; None where it is none."""
    number = _number(value)
    if isinstance(number, Decimal):
        return number if Decimal(repr(float(number))) == number else None
    if not isinstance(number, int):
        return number
    try:
        return number if float(number) == number else None
    except OverflowError:
        return None


def _decimal(value: Json) -> Fit:
    number = _double(_only(value))
    return Fit((number,), is_whole=number is not None)


def _integer(value: Json) -> Fit:
    number = _number(_only(value))
    if number is None or not -MAX_INTEGER <= number <= MAX_INTEGER or number != int(number):
        return Fit((None,), is_whole=False)
    return Fit((int(number),))


def _money(value: Json) -> Fit:
    if not isinstance(value, dict):
        number = _double(_only(value))
        return Fit((number, None, None), is_whole=number is not None)
    amount = value.get("amount")
    number = _double(amount)
    texts = [value.get(key) for key in ("currency", "symbol")]
    is_whole = (
        value.keys() <= {"amount", "currency", "symbol"}
        and (number is not None or amount is None)
        and all(text is None or isinstance(text, str) for text in texts)
    )
    return Fit((number, *(text if isinstance(text, str) else None for text in texts)), is_whole)


def _checkbox(value: Json) -> Fit:
    value = _only(value)
    if isinstance(value, bool):
        return Fit((value,))
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return Fit((value.lower() == "true",))
    return Fit((None,), is_whole=False)


def _date(value: Json) -> Fit:
    value = _only(value)
    try:
        day = msgspec.convert(value, type=date)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return Fit((None,), is_whole=False)
    return Fit((day.isoformat(),))


def _moment(value: Json) -> Fit:
    value = _only(value)
    moment = parse_timestamp(value) if isinstance(value, str) else None
    return Fit((to_utc(moment) if moment else None,), is_whole=moment is not None)


def _choice(value: Json) -> Fit:
    value = _only(value)
    if isinstance(value, str):
        return Fit((None, None, value))
    if not isinstance(value, dict):
        return Fit((None, None, None), is_whole=False)
    parts = [value.get(key) for key in ("id", "code", "name")]
    is_whole = value.keys() <= {"id", "code", "name"} and all(
        part is None or isinstance(part, str) for part in parts
    )
    return Fit(tuple(part if isinstance(part, str) else None for part in parts), is_whole)


def _list(value: Json) -> Fit:
    return Fit((value if isinstance(value, list) else [value],))


def _references(value: Json) -> Fit:
    """Put references into a list, and the only one of them into columns of its own."""
    references = value if isinstance(value, list) else [value]
    one = unwrap(references[0]) if len(references) == 1 else None
    if not isinstance(one, dict):
        return Fit((references, None, None))
    key = one.get("id")
    return Fit((references, key if isinstance(key, str) else None, _name(one)))


def _name(reference: dict[str, Json]) -> str | None:
    name = reference.get("name")
    if isinstance(name, str):
        return name
    parts = [reference.get(key) for key in ("first_name", "last_name")]
    return " ".join(part for part in parts if part and isinstance(part, str)) or None


def _any(value: Json) -> Fit:
    return Fit((value,))


TEXT = FieldType({"": STRING}, _text, plain=str)
WHOLE_NUMBER = FieldType({"": INTEGER}, _integer)
CHOICE = FieldType({"_id": STRING, "_code": STRING, "_name": STRING}, _choice)
MANY = FieldType({"": LIST}, _list, plain=list)
REFERENCES = FieldType({"": LIST, "_id": STRING, "_name": STRING}, _references)
UNKNOWN = FieldType({"": ANY}, _any)

#: By `field_type`. Whether choices, selectors, team selectors and relationships hold one
#: value or several is not certain of an account, so they take either.
FIELD_TYPES: dict[str, FieldType] = {
    "checkbox": FieldType({"": BOOLEAN}, _checkbox, plain=bool),
    "checkboxes": MANY,
    "choices": REFERENCES,
    "date": FieldType({"": DATE}, _date),
    "datetime": FieldType({"": MOMENT}, _moment),
    "decimal": FieldType({"": NUMBER}, _decimal),
    "dropdown": CHOICE,
    "dynamictags": MANY,
    "email": TEXT,
    "files": MANY,
    "integer": WHOLE_NUMBER,
    "longtext": TEXT,
    "money": FieldType({"_amount": NUMBER, "_currency": STRING, "_symbol": STRING}, _money),
    "phonenumber": TEXT,
    "radio": CHOICE,
    "rating": WHOLE_NUMBER,
    "relationship": REFERENCES,
    "selector": REFERENCES,
    "status": CHOICE,
    "team_selector": REFERENCES,
    "text": TEXT,
    "timezone": TEXT,
    "wysiwyg": TEXT,
    "yesnomaybe": CHOICE,
}
