"""One JSON value into what is staged for its column: exact, or refused with a reason.

Every function takes a value as `json` or `msgspec` decode it (with `Decimal` for numbers that are
not integers) and returns what stands for it in the staging file. `None` never arrives here.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import uuid
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import msgspec

from target_duckdb.columns import (
    BIGINT_MAX,
    BIGINT_MIN,
    HUGEINT_MAX,
    HUGEINT_MIN,
    MAX_PRECISION,
    decimal_size,
)
from target_duckdb.errors import InvalidValueError, WideIntegerError

if TYPE_CHECKING:
    from collections.abc import Callable

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_EXACT_DIGITS = 15
"""Any decimal number of up to 15 significant digits comes back from a DOUBLE as it went in."""

_FLOAT_DIGITS = 17
"""No float needs more significant digits to be told from all others."""

_TINY = -307
"""Smaller numbers have fewer digits in a DOUBLE, or none."""

_LARGEST_EXPONENT = 400
"""Beyond the range of a DOUBLE: larger numbers fit into no column."""

_MICROS = 6
"""Digits after the point of a second that DuckDB holds."""

_END_OF_DAY = 24
_LEAP_SECOND = 60
_DATE = r"(?P<y>\d{4})-(?P<mo>\d{1,2})-(?P<d>\d{1,2})"
_CLOCK = r"(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d+))?)?"
_ZONE = r"\s*(?P<z>[Zz]|UTC|[+-]\d{2}(?::?[0-5]\d)?)?"
_FORMS = {
    "date": re.compile(f"{_DATE}(?:[Tt ]{_CLOCK}{_ZONE})?", re.ASCII),
    "time": re.compile(f"{_CLOCK}{_ZONE}", re.ASCII),
    "date-time": re.compile(f"{_DATE}(?:[Tt ]{_CLOCK}{_ZONE})?", re.ASCII),
}
_OUT_OF_YEARS = "the moment is outside the years 1 to 9999"
_CYCLE = 400
"""Years after which the calendar is the same again."""

_MISREAD = re.compile(r"(?:^|[Tt ])\d{2}(?::?\d{2})?[.,]|[+-]\d{2}:?[6-9]\d")
"""12:30.5 is half a minute, of which Python makes half a second; of +05:75 it makes +06:15."""

_FRACTION = re.compile(r"[.,](\d+)", re.ASCII)
_NOT_READ = (msgspec.ValidationError, UnicodeEncodeError)
"""What `msgspec` says of a text that is none of what was expected, or holds a lone surrogate."""

_NOT_FINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}
_T = TypeVar("_T", dt.time, dt.datetime)
_R = TypeVar("_R", str, dt.datetime)
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


def any_text(value: object) -> str:
    """Return a text, or what else JSON has as the text it is written as."""
    return text(value) if isinstance(value, str) else json_text(value)


def any_key_text(value: object) -> str:
    """Return the same of a key, of which one number has one spelling."""
    return text(value) if isinstance(value, str) else key_json(value)


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
    """Return an integer of 64 bits.

    Raises:
        WideIntegerError: It has more, and would fit into 128.
        InvalidValueError: It is no integer, or would not.
    """
    number = whole(value)
    if not BIGINT_MIN <= number <= BIGINT_MAX:
        _check_hugeint(number)
        reason = "the integer does not fit into 64 bits"
        raise WideIntegerError(reason)
    return number


def hugeint(value: object) -> str:
    """Return an integer of 128 bits, in digits."""
    number = whole(value)
    _check_hugeint(number)
    return str(number)


def _check_hugeint(number: int) -> None:
    if not HUGEINT_MIN <= number <= HUGEINT_MAX:
        reason = "the integer does not fit into 128 bits, the largest integer DuckDB has"
        raise InvalidValueError(reason)


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
    is_long = len(number.as_tuple().digits) > _EXACT_DIGITS or number.adjusted() < _TINY
    return is_long and number != Decimal(repr(float(number)))


def is_multiple(value: float | Decimal, step: float | Decimal) -> bool:
    """Tell whether a number is a whole multiple of a step, with no rounding on the way.

    All digits of a float count as the number that the float was made of.
    """
    number, unit = Decimal(str(value)), Decimal(str(step))
    if not (number.is_finite() and unit.is_finite()) or abs(number.adjusted()) > _LARGEST_EXPONENT:
        return False
    return any(Fraction(each) % Fraction(unit) == 0 for each in (number, before_float(number)))


def before_float(number: Decimal) -> Decimal:
    """Return the number that a float was made of, where all digits of the float came.

    A tap that passes decimals through floats sends 1.1 as 1.100000000000000088817841970012523...
    Any other number is returned as it is.
    """
    if len(number.as_tuple().digits) <= _FLOAT_DIGITS:
        return number
    as_float = float(number)
    is_whole_float = math.isfinite(as_float) and Decimal(as_float) == number
    return Decimal(repr(as_float)) if is_whole_float else number


def decimal(value: object, precision: int, scale: int, *, is_key: bool = False) -> str:
    """Return a number that fits into DECIMAL(precision, scale) without rounding, in digits.

    All digits of a float are the number that the float was made of, but in a key, where two numbers
    that differ stay two.
    """
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
    if not is_key and not _fits(number, precision, scale):
        number = before_float(number)
    if not _fits(number, precision, scale):
        reason = (
            f"the number does not fit into DECIMAL({precision},{scale}) without rounding; widen "
            "'multipleOf' or 'x-sql-datatype' in its schema, or cast it in 'stream_maps'"
        )
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
    """Return a calendar date, `YYYY-MM-DD`; a moment counts if it is midnight."""
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    moment = _checked("date", _match(value, "date").moment)
    if moment.time() != dt.time():
        reason = "the text is no date: it has a time of day"
        raise InvalidValueError(reason)
    return moment.date().isoformat()


def time(value: object) -> str:
    """Return a time of day; one with an offset becomes UTC."""
    if isinstance(value, str):
        # What is rounded on the way may be the midnight before.
        cut = _FRACTION.sub(lambda found: found[0][: _MICROS + 1], value)
        try:
            return clock(_rounded_time(msgspec.convert(cut, dt.time), value))
        except _NOT_READ:
            pass
        try:
            if _MISREAD.search(value) is None:
                return clock(_rounded_time(dt.time.fromisoformat(cut), value))
        except ValueError:
            pass
    parsed = _match(value, "time")
    moment = _rounded_time(_checked("time", parsed.clock), str(value))
    # Without an offset it stays what it is: DuckDB has a 24:00, and puts it after all others.
    is_last = parsed.is_end_of_day and not moment.utcoffset()
    return "24:00:00" if is_last else clock(moment)


def clock(moment: dt.time) -> str:
    """Return a time of day as DuckDB's TIME reads it, in UTC where it has an offset."""
    if moment.tzinfo is None:
        return moment.isoformat()
    some_day = dt.datetime.combine(dt.date(2000, 1, 1), moment)
    return some_day.astimezone(dt.timezone.utc).time().isoformat()


def timestamp(value: object) -> str:
    """Return a moment in ISO 8601; one without an offset is taken as UTC."""
    return _moment(value).isoformat()


def _moment(value: object) -> dt.datetime:
    if isinstance(value, str):
        try:
            # The fast way reads RFC 3339 with msgspec: the same text must give the same moment.
            return msgspec.convert(value, dt.datetime)
        except _NOT_READ:
            pass
        try:
            if _MISREAD.search(value) is None:
                return _rounded(dt.datetime.fromisoformat(value), value)
        except ValueError:
            pass
    return _rounded(_checked("date-time", _match(value, "date-time").moment), str(value))


def _rounded(moment: dt.datetime, value: str) -> dt.datetime:
    """Return the microsecond that is next to what was read, as `msgspec` does.

    Args:
        moment: What was read of a text, cut to the microsecond.
        value: The text.
    """
    found = _FRACTION.search(value)
    if found is None or found[1][_MICROS : _MICROS + 1] < "5":
        return moment
    try:
        return moment + dt.timedelta(microseconds=1)
    except OverflowError:
        return moment  # the last one of the year 9999


def _rounded_time(moment: dt.time, value: str) -> dt.time:
    """Return the same of a time of day; the last microsecond of a day has none after it."""
    day = dt.datetime.combine(dt.date(2000, 1, 1), moment)
    rounded = _rounded(day, value)
    return rounded.timetz() if rounded.date() == day.date() else moment


@dataclass(frozen=True)
class _Parsed:
    """A date, a time of day or both, as it is written."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    fraction: str
    offset: str

    @property
    def is_end_of_day(self) -> bool:
        """Whether this is 24:00, which ISO 8601 and PostgreSQL have and Python has not."""
        rest = (self.minute, self.second, int(self.fraction or 0))
        return self.hour == _END_OF_DAY and rest == (0, 0, 0)

    def clock(self) -> dt.time:
        """Return the time of day, to the microsecond; 24:00 as 0:00."""
        hour = 0 if self.is_end_of_day else self.hour
        micro = int(self.fraction[:6].ljust(6, "0"))
        return dt.time(hour, self.minute, self.second, micro, tzinfo=self._zone())

    def moment(self) -> dt.datetime:
        """Return the moment, to the microsecond; 24:00 as 0:00 of the next day."""
        moment = dt.datetime.combine(dt.date(self.year, self.month, self.day), self.clock())
        return moment + dt.timedelta(days=1) if self.is_end_of_day else moment

    def _zone(self) -> dt.timezone | None:
        if not self.offset:
            return None
        if self.offset in {"Z", "z", "UTC"}:
            return dt.timezone.utc
        digits = self.offset[1:].replace(":", "").ljust(4, "0")
        delta = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        return dt.timezone(-delta if self.offset[0] == "-" else delta)


def _match(value: object, name: str) -> _Parsed:
    """Take a text apart that is a date, a time of day or both, in the forms that taps write.

    A month, a day and an hour may have one digit, as MySQL and spreadsheets write them.
    """
    if not isinstance(value, str):
        _refuse("string", value)
    found = _FORMS[name].fullmatch(value.strip())
    if found is None:
        reason = f"the text is no {name} of ISO 8601"
        raise InvalidValueError(reason)
    given = found.groupdict()
    year, month, day, *clock = (int(given.get(each) or 0) for each in ("y", "mo", "d", *"hms"))
    hour, minute, second = clock
    fraction, offset = given.get("f") or "", given.get("z") or ""
    if second == _LEAP_SECOND:
        reason = "the text names a leap second (':60'), which no column of DuckDB holds"
        raise InvalidValueError(reason)
    return _Parsed(year, month, day, hour, minute, second, fraction, offset)


def _checked(name: str, make: Callable[[], _T]) -> _T:
    try:
        return make()
    except ValueError:
        reason = f"the text is no {name} of ISO 8601"
    except OverflowError:
        reason = _OUT_OF_YEARS
    raise InvalidValueError(reason)


# Keys: what stands for a value must be the same for the same value, and other for any other.


def number_text(value: object) -> str:
    """Return a number in plain digits: one spelling for one number, of any size.

    `columns.spelled` has the same spelling for what lies in a table.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return _NOT_FINITE.get(value, "NaN")
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        _refuse("number", value)
    if type(value) is int:
        return str(value)
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if number == 0:
        return "0"
    if abs(number.adjusted()) > _LARGEST_EXPONENT:
        reason = f"the number has more than {_LARGEST_EXPONENT} digits before or after the point"
        raise InvalidValueError(reason)
    digits = format(number, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def moment_text(value: object) -> str:
    """Return a moment in UTC with all its digits: one spelling for one moment."""
    moment, fraction = _apart(value, _moment)
    shift = 0
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(dt.timezone.utc)
        except OverflowError:
            # 9999-12-31T23:59:59-01:00 is in a year that Python has not, and DuckDB has.
            shift = _CYCLE if moment.year > _CYCLE else -_CYCLE
            moment = moment.replace(year=moment.year - shift).astimezone(dt.timezone.utc)
    return f"{moment.year + shift:04}{moment.isoformat()[4:19]}{fraction}Z"


def clock_text(value: object) -> str:
    """Return a time of day in UTC with all its digits."""
    return "".join(_apart(value, time))


def _apart(value: object, read: Callable[[str], _R]) -> tuple[_R, str]:
    """Return what is read of a text without the fraction of its second, and all its digits.

    The digits come without zeros at their end, and with the point before them.
    """
    if not isinstance(value, str):
        _refuse("string", value)
    found = _FRACTION.search(value)
    if found is None:
        return read(value), ""
    read(value)  # 24:00:00 is right, 24:00:00.5 is not
    digits = found[1].rstrip("0")
    whole = value[: found.start()] + value[found.end() :]
    return read(whole), f".{digits}" if digits else ""


def key_json(value: object) -> str:
    """Return any value as JSON: members in order of their names, numbers in plain digits."""
    _refuse_unwritable(value)
    return _ENCODER.encode(_plain(value)).decode()


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, (float, Decimal)):
        return msgspec.Raw(number_text(value).encode())
    return value


def unique_identifier(value: object) -> str:
    """Return a UUID in its canonical spelling."""
    if not isinstance(value, str):
        _refuse("string", value)
    try:
        return str(uuid.UUID(value))
    except ValueError:
        reason = "the text is no UUID"
        raise InvalidValueError(reason) from None


def as_text(record: Any) -> bytes:  # noqa: ANN401
    """Return a decoded record as JSON, whatever is in it, for people to read."""
    for write in (_written, partial(json.dumps, default=str)):  # the latter goes deeper
        try:
            return write(record).encode()
        except RecursionError:  # noqa: PERF203 - two ways
            continue
    return b'"nested too deeply to be written"'


def _written(value: Any) -> str:  # noqa: ANN401
    """Return a value as Python writes JSON, and numbers with all their digits."""
    if isinstance(value, dict):
        members = (f"{json.dumps(name)}: {_written(each)}" for name, each in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)


def json_text(value: object) -> str:
    """Return any value as JSON, numbers with all their digits."""
    _refuse_unwritable(value)
    return exact_json(value)


def exact_json(value: object) -> str:
    """Return what `msgspec` decoded as JSON, numbers with all their digits."""
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


def stager(
    sql_type: str, *, is_exact: bool = False, is_key: bool = False
) -> Callable[[Any], Staged]:
    """Return the function that stages values for a column of this type.

    Args:
        sql_type: The DuckDB type.
        is_exact: Whether two values that differ must be staged as two, whatever the type holds.
        is_key: Whether it is a column of the key.
    """
    size = decimal_size(sql_type)
    if size is not None:
        return lambda value: decimal(value, *size, is_key=is_key)
    return _EXACT[sql_type] if is_exact else _STAGERS[sql_type]


_EXACT: dict[str, Callable[[Any], str]] = {
    "DOUBLE": number_text,
    "JSON": key_json,
    "TIME": clock_text,
    "TIMESTAMPTZ": moment_text,
}
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
