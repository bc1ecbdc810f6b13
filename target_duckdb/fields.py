"""How each property of a stream is decoded, checked and staged on the fast path."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

import msgspec

from target_duckdb import shapes, values
from target_duckdb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

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
_NESTED: Any = Union[dict[str, Any], list[Any], None]  # noqa: UP007 (a value, not an annotation)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_ANYTHING = msgspec.json.Decoder(float_hook=values.exact)


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
        nested: Where all values are objects or arrays, a type that keeps all of what is in them.
        checked: With `nested`, a type to decode as well where that one says less than the schema.
    """

    annotation: Any
    fix: Callable[[Any], Any] | None = None
    nested: Any = None
    checked: Any = None


def row_type(
    columns: Sequence[Column],
    annotations: Mapping[str, Any],
    needed: Collection[str],
    metadata: Collection[str],
    *,
    forbid_unknown: bool,
) -> Any:  # noqa: ANN401
    """Return the structure that `msgspec` decodes records into.

    Args:
        columns: The properties it has.
        annotations: The type of each, by name.
        needed: Names of properties that no record may lack.
        metadata: Names of metadata columns, which are set afterwards.
        forbid_unknown: Whether other properties are refused; otherwise they are skipped.
    """
    definition: list[tuple[str, Any, Any]] = [
        (
            column.attribute,
            annotations[column.name],
            msgspec.field(name=column.staged)
            if column.name in needed
            else msgspec.field(name=column.staged, default=msgspec.UNSET),
        )
        for column in columns
    ]
    definition += [(name, Any, msgspec.UNSET) for name in metadata]
    return msgspec.defstruct(
        "Row", definition, kw_only=True, gc=False, forbid_unknown_fields=forbid_unknown
    )


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
    is_nested = shapes.is_nested(known)
    if shapes.keeps_all(known):
        return FieldPlan(known, json_text, nested=known if is_nested else None)
    fix = _json(known, nullable=nullable)
    if is_nested:
        return FieldPlan(msgspec.Raw, fix, nested=_NESTED, checked=known)
    return FieldPlan(msgspec.Raw, fix)


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


def json_text(value: Any) -> str:  # noqa: ANN401
    """Return a decoded value as JSON, numbers with all their digits."""
    return _ENCODER.encode(value).decode()


def _json(known: Any, *, nullable: bool) -> Callable[[msgspec.Raw], str | None]:  # noqa: ANN401
    typed = msgspec.json.Decoder(known)

    def fix(raw: msgspec.Raw) -> str | None:
        if bytes(raw) == _NULL:
            if nullable:
                return None
            raise SlowPathError
        typed.decode(raw)
        return json_text(_ANYTHING.decode(raw))

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
