"""How each property of a stream is decoded, checked and staged on the fast path."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from target_duckdb import shapes, values
from target_duckdb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_AS_THEY_ARE = {"BIGINT", "BOOLEAN", "DOUBLE"}
_SHORT_NUMBER = 15
"""A literal of up to this many characters without an exponent is exact in a DOUBLE."""

_NULL = b"null"
_NUMBER_STARTS = frozenset(b"-0123456789")
_TEXTS: dict[str, Any] = {
    "DATE": dt.date,
    "TIME": dt.time,
    "TIMESTAMPTZ": dt.datetime,
    "UUID": uuid.UUID,
}
_UNCONSTRAINED: dict[str, dict[str, Any]] = {
    # Other types take texts, or numbers that are looked at one by one.
    "BIGINT": {"type": ["integer", "null"]},
    "BOOLEAN": {"type": ["boolean", "null"]},
    "DOUBLE": {"type": ["number", "null"]},
    "JSON": {},
    "VARCHAR": {"type": ["string", "null"]},
}
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_ANYTHING = msgspec.json.Decoder(float_hook=Decimal)


class SlowPathError(Exception):
    """The fast path cannot tell whether a value is right; the slow one decides."""


@dataclass(frozen=True)
class Column:
    """One property of a stream on its way into the staging file.

    Attributes:
        name: The property's name.
        sql_type: Its DuckDB type.
        staged: The key it has in the staging file.
        attribute: The field that holds it on the fast path.
    """

    name: str
    sql_type: str
    staged: str
    attribute: str

    @property
    def read_as(self) -> str:
        """The type under which `read_json` reads the staged value."""
        return self.sql_type if self.sql_type in _READ_AS_THEY_ARE else "VARCHAR"


@dataclass(frozen=True)
class FieldPlan:
    """What `msgspec` is to decode a property as, and what is left to do to the value.

    Attributes:
        annotation: The field's type.
        fix: Takes the decoded value (neither missing nor None), returns the staged one.
    """

    annotation: Any
    fix: Callable[[Any], Any] | None = None


def plan(
    column: Column,
    schema: dict[str, Any],
    root: dict[str, Any],
    is_valid: Callable[[object], bool] | None,
    warn_rounding: Callable[[str], None],
) -> FieldPlan:
    """Choose the fastest way to decode a property that never takes a wrong value for a right one.

    Args:
        column: Where the property goes.
        schema: The property's schema, references followed.
        root: The stream's schema.
        is_valid: Checks a value against the property's schema; None where only types count.
        warn_rounding: Told the name of a column whose values a DOUBLE rounds.
    """
    checked = (
        schema if is_valid is not None else _UNCONSTRAINED.get(column.sql_type, {"type": "string"})
    )
    known = shapes.shape(checked, root)
    nullable = is_valid is None or is_valid(None)
    if known is None:
        return FieldPlan(msgspec.Raw, _checked(column.sql_type, is_valid, nullable=nullable))
    if column.sql_type in {"BIGINT", "BOOLEAN", "VARCHAR"}:
        return FieldPlan(known)
    if column.sql_type in _TEXTS:
        text: Any = _TEXTS[column.sql_type]
        fix = values.clock if column.sql_type == "TIME" else None
        return FieldPlan(text | None if nullable else text, fix)
    return _plan_raw(column, known, is_valid, warn_rounding, nullable=nullable)


def _plan_raw(
    column: Column,
    known: Any,  # noqa: ANN401
    is_valid: Callable[[object], bool] | None,
    warn_rounding: Callable[[str], None],
    *,
    nullable: bool,
) -> FieldPlan:
    """Plan a property whose JSON has to be looked at as it came."""
    if column.sql_type == "DOUBLE":
        return FieldPlan(msgspec.Raw, _double(column.name, warn_rounding, nullable=nullable))
    if column.sql_type != "JSON":
        return FieldPlan(msgspec.Raw, _checked(column.sql_type, is_valid, nullable=nullable))
    if shapes.keeps_all(known):
        return FieldPlan(known, _json_text)
    return FieldPlan(msgspec.Raw, _json(known, nullable=nullable))


def _double(
    name: str, warn_rounding: Callable[[str], None], *, nullable: bool
) -> Callable[[msgspec.Raw], msgspec.Raw | None]:
    def fix(raw: msgspec.Raw) -> msgspec.Raw | None:
        literal = bytes(raw)
        if literal[0] not in _NUMBER_STARTS:
            if literal == _NULL and nullable:
                return None
            raise SlowPathError
        if len(literal) > _SHORT_NUMBER or b"e" in literal or b"E" in literal:
            number = _ANYTHING.decode(literal)
            staged = values.double(number)
            if values.rounds(number):
                warn_rounding(name)
            return staged  # type: ignore[return-value]
        return raw

    return fix


def _json_text(value: Any) -> str:  # noqa: ANN401
    return _ENCODER.encode(value).decode()


def _json(known: Any, *, nullable: bool) -> Callable[[msgspec.Raw], str | None]:  # noqa: ANN401
    typed = msgspec.json.Decoder(known)

    def fix(raw: msgspec.Raw) -> str | None:
        if bytes(raw) == _NULL:
            if nullable:
                return None
            raise SlowPathError
        typed.decode(raw)
        return _json_text(_ANYTHING.decode(raw))

    return fix


def _checked(
    sql_type: str, is_valid: Callable[[object], bool] | None, *, nullable: bool
) -> Callable[[msgspec.Raw], Any]:
    stage = values.stager(sql_type)

    def fix(raw: msgspec.Raw) -> Any:  # noqa: ANN401
        value = _ANYTHING.decode(raw)
        if value is None:
            if nullable:
                return None
            raise SlowPathError
        if is_valid is not None and not is_valid(value):
            raise SlowPathError
        try:
            return stage(value)
        except InvalidValueError:
            raise SlowPathError from None

    return fix
