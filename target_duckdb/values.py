"""One JSON value into what is staged for its column: exact, or refused with a reason.

Every function takes a value as `json` or `msgspec` decode it (with `Decimal` for numbers that are
not integers) and returns what stands for it in the staging file. `None` never arrives here.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import msgspec

from target_duckdb.column_types import (
    BIGINT_MAX,
    BIGINT_MIN,
    HUGEINT_MAX,
    HUGEINT_MIN,
    MAX_PRECISION,
    decimal_size,
)
from target_duckdb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_EXACT_DIGITS = 15
"""Any decimal number of up to 15 significant digits comes back from a DOUBLE as it went in."""

_LARGEST_EXPONENT = 400
"""Beyond the range of a DOUBLE: larger numbers fit into no column."""

_NOT_FINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}
_T = TypeVar("_T", dt.date, dt.time, dt.datetime)
Staged = str | int | bool | msgspec.Raw


def kind(value: object) -> str:
    """Return the JSON name of a value's type, for messages that must not show the value."""
    if value is None:
        return "null"
    names: dict[type, str] = {
        bool: "boolean", str: "string", int: "integer", dict: "object", list: "array",
    }  # fmt: skip
    return names.get(type(value), "number")


def _refuse(expected: str, value: object) -> NoReturn:
    reason = f"expected {expected}, got {kind(value)}"
    raise InvalidValueError(reason)


def text(value: object) -> str:
    """Return a text that UTF-8 can hold."""
    if not isinstance(value, str):
        _refuse("string", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            reason = "the text holds a lone surrogate, which is no Unicode character"
            raise InvalidValueError(reason) from None
    return value


def boolean(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        _refuse("boolean", value)
    return value


def whole(value: object) -> int:
    """Return an integer; 1.0 and 1e3 are integers too, as JSON Schema has it."""
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        # A number of a few characters (1e999999999) must not become gigabytes of digits.
        return int(value) if value.adjusted() <= MAX_PRECISION else HUGEINT_MAX + 1
    if isinstance(value, bool) or not isinstance(value, int):
        _refuse("integer", value)
    return value


def bigint(value: object) -> int:
    """Return an integer of 64 bits."""
    number = whole(value)
    if not BIGINT_MIN <= number <= BIGINT_MAX:
        reason = (
            "the integer does not fit into 64 bits; give the property a 'minimum' or 'maximum' "
            "beyond them to have a HUGEINT column"
        )
        raise InvalidValueError(reason)
    return number


def hugeint(value: object) -> str:
    """Return an integer of 128 bits, in digits."""
    number = whole(value)
    if not HUGEINT_MIN <= number <= HUGEINT_MAX:
        reason = "the integer does not fit into 128 bits, the largest integer DuckDB has"
        raise InvalidValueError(reason)
    return str(number)


def double(value: object) -> msgspec.Raw | str:
    """Return a number in the range of a 64-bit float; NaN and infinities by their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return _NOT_FINITE.get(value, "NaN")
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        _refuse("number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        reason = "the number is out of the range of a 64-bit float (DOUBLE)"
        raise InvalidValueError(reason)
    return msgspec.Raw(repr(number).encode())


def exact(literal: str) -> Decimal:
    """Read a number that is written with a point or an exponent.

    Raises:
        InvalidValueError: Its exponent is beyond what a decimal number can have.
    """
    try:
        return Decimal(literal)
    except ArithmeticError:
        reason = "a number has an exponent of more than 18 digits"
        raise InvalidValueError(reason) from None


def integer(literal: str) -> int | Decimal:
    """Read an integer of any length: Python makes none of more than some thousand digits."""
    try:
        return int(literal)
    except ValueError:
        return Decimal(literal)


def rounds(value: object) -> bool:
    """Tell whether a DOUBLE would hold another number than this one."""
    if isinstance(value, float):
        return False
    number = Decimal(str(value))
    return len(number.as_tuple().digits) > _EXACT_DIGITS and number != Decimal(repr(float(number)))


def is_multiple(value: float | Decimal, step: float | Decimal) -> bool:
    """Tell whether a number is a whole multiple of a step, with no rounding on the way."""
    number, unit = Decimal(str(value)), Decimal(str(step))
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_EXPONENT:
        return False
    return Fraction(number) % Fraction(unit) == 0


def decimal(value: object, precision: int, scale: int) -> str:
    """Return a number that fits into DECIMAL(precision, scale) without rounding, in digits."""
    if isinstance(value, str):
        try:
            number = Decimal(value)
        except ArithmeticError:
            reason = "the text is no decimal number"
            raise InvalidValueError(reason) from None
    elif isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        _refuse("number", value)
    else:
        number = Decimal(str(value))
    if not number.is_finite():
        reason = f"NaN and infinities have no place in DECIMAL({precision},{scale})"
        raise InvalidValueError(reason)
    if not _fits(number, precision, scale):
        reason = f"the number does not fit into DECIMAL({precision},{scale}) without rounding"
        raise InvalidValueError(reason)
    return format(number, "f")


def _fits(number: Decimal, precision: int, scale: int) -> bool:
    _, digits, exponent = number.as_tuple()
    written = "".join(map(str, digits)).lstrip("0")
    significant = written.rstrip("0")
    if not significant:
        return True
    last_place = int(exponent) + len(written) - len(significant)
    return -last_place <= scale and len(significant) + last_place <= precision - scale


def date(value: object) -> str:
    """Return a calendar date, `YYYY-MM-DD`."""
    return _parsed(value, "date", dt.date, dt.date.fromisoformat).isoformat()


def time(value: object) -> str:
    """Return a time of day; one with an offset becomes UTC."""
    moment = _parsed(value, "time", dt.time, dt.time.fromisoformat)
    return clock(moment)


def clock(moment: dt.time) -> str:
    """Return a time of day as DuckDB's TIME reads it, in UTC where it has an offset."""
    if moment.tzinfo is None:
        return moment.isoformat()
    some_day = dt.datetime.combine(dt.date(2000, 1, 1), moment)
    return some_day.astimezone(dt.timezone.utc).time().isoformat()


def timestamp(value: object) -> str:
    """Return a moment in ISO 8601; one without an offset is taken as UTC."""
    return _parsed(value, "date-time", dt.datetime, dt.datetime.fromisoformat).isoformat()


def _parsed(value: object, name: str, target: type[_T], lenient: Callable[[str], _T]) -> _T:
    if not isinstance(value, str):
        _refuse("string", value)
    try:
        # The fast path reads RFC 3339 with msgspec: the same text must give the same moment here.
        return msgspec.convert(value, target)
    except msgspec.ValidationError:
        pass
    try:
        return lenient(value)
    except ValueError:
        reason = f"the text is no {name} of ISO 8601"
        raise InvalidValueError(reason) from None


def unique_identifier(value: object) -> str:
    """Return a UUID in its canonical spelling."""
    if not isinstance(value, str):
        _refuse("string", value)
    try:
        return str(uuid.UUID(value))
    except ValueError:
        reason = "the text is no UUID"
        raise InvalidValueError(reason) from None


def as_text(record: dict[str, Any]) -> bytes:
    """Return a decoded record as JSON, whatever is in it, for people to read."""
    return json.dumps(record, default=str).encode()


def json_text(value: object) -> str:
    """Return any value as JSON, numbers with all their digits."""
    _refuse_unwritable(value)
    return _ENCODER.encode(value).decode()


def _refuse_unwritable(value: object) -> None:
    """Refuse what JSON text cannot carry: NaN, infinities and lone surrogates, at any depth."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, str):
            text(item)
        elif isinstance(item, float) and not math.isfinite(item):
            reason = "NaN and infinities are no JSON"
            raise InvalidValueError(reason)


def stager(sql_type: str) -> Callable[[Any], Staged]:
    """Return the function that stages values for a column of this type."""
    size = decimal_size(sql_type)
    if size is not None:
        return lambda value: decimal(value, *size)
    return _STAGERS[sql_type]


_STAGERS: dict[str, Callable[[Any], Staged]] = {
    "BIGINT": bigint,
    "BOOLEAN": boolean,
    "DATE": date,
    "DOUBLE": double,
    "HUGEINT": hugeint,
    "JSON": json_text,
    "TIME": time,
    "TIMESTAMPTZ": timestamp,
    "UUID": unique_identifier,
    "VARCHAR": text,
}
