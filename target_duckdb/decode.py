"""From the JSON of records to lines of a staging file, checked against the stream's schema.

There is one fast way and one exact slow way.

* **Fast**: `msgspec` decodes some hundred lines at once into structures made for the stream, which
  checks every type on the way, and writes them back out with the values that need it put into the
  exact form DuckDB is to read. Where one record is not just as its schema has it, the lines are
  halved until it is alone.
* **Slow**: a JSON Schema validator and plain Python, which accept the record after all or say what
  is wrong with it.

Objects and arrays, which a column of type JSON keeps as text, are not made texts on the fast way:
DuckDB writes that text while it reads the staging file, and need not parse it again. It writes the
same one, but for numbers that it would round or spell otherwise, and control characters; lines that
hold any get their texts here.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
import json
import math
import sys
import uuid
import warnings
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Union

import msgspec
from jsonschema import validators
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from target_duckdb import shapes, values
from target_duckdb.columns import DELETED_AT, EXACT_NUMBER, INEXACT, METADATA, column_type
from target_duckdb.errors import InvalidKeyError, InvalidValueError
from target_duckdb.message_errors import SchemaError
from target_duckdb.messages import deepest_member, is_one_per_line, uncollected
from target_duckdb.names import folded
from target_duckdb.schemas import keyword_place, leave_out, resolve
from target_duckdb.verbatim import Guess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from target_duckdb.columns import TypeOptions

_PLAIN_KEYWORDS = {"type", "properties", "required", "additionalProperties"}
_READ_AS_THEY_ARE = {"BIGINT", "BOOLEAN", "DOUBLE"}
_SHORT_NUMBER = 15
"""A literal of up to this many characters without an exponent is exact in a DOUBLE."""

_RENAME = "rename it in 'stream_maps'"
_DEEPER = 100
_NULL = b"null"
_NUMBER_STARTS = frozenset(b"-0123456789")
_CONTROL_CHARACTER = b"\\u00"
"""How the encoder begins each control character that has no letter of its own."""

_PARSED: dict[str, Any] = {
    "DATE": dt.date,
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


class _SlowPathError(Exception):
    """The fast way cannot tell whether a value is right; the slow one decides."""


_REFUSALS = (
    msgspec.DecodeError, _SlowPathError, InvalidValueError, UnicodeError, RecursionError,
)  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Lines for a staging file.

    Attributes:
        lines: One record each.
        count: How many.
        has_texts: Whether their objects and arrays were made texts.
    """

    lines: bytes
    count: int
    has_texts: bool


@dataclass(frozen=True)
class Refused:
    """A record that cannot be loaded.

    Attributes:
        index: Its place among the lines that were to be decoded, from 0.
        record: The record as it came.
        error: What is wrong with it.
    """

    index: int
    record: bytes | dict[str, Any]
    error: InvalidValueError


@dataclass(frozen=True)
class Column:
    """One property of a stream on its way into the staging file.

    Attributes:
        name: The property's name.
        sql_type: Its DuckDB type.
        staged: The key it has in the staging file.
        attribute: The field that holds it on the fast way.
        is_exact: Whether it is staged as text, and its type found by the key rule of `columns`.
    """

    name: str
    sql_type: str
    staged: str
    attribute: str
    is_exact: bool = False

    @property
    def staged_type(self) -> str:
        """The type it has in the staging table."""
        return "VARCHAR" if self.is_exact else self.sql_type

    @property
    def read_as(self) -> str:
        """The type under which `read_json` reads the staged value."""
        return self.staged_type if self.staged_type in _READ_AS_THEY_ARE else "VARCHAR"


def is_mark(column: Column) -> bool:
    """Return whether a column says since when a row is deleted, as a moment."""
    return column.name == DELETED_AT and column.sql_type == METADATA[DELETED_AT]


@dataclass(frozen=True)
class FieldPlan:
    """What `msgspec` is to decode a property as, and what is left to do to the value.

    Attributes:
        annotation: The field's type.
        fix: Takes the decoded value (neither missing nor None), returns the staged one.
        is_nested: Whether all values are objects or arrays, and staged as they are.
        checked: A type to decode as well where the annotation says less than the schema.
    """

    annotation: Any
    fix: Callable[[Any], Any] | None = None
    is_nested: bool = False
    checked: Any = None


def _is_integer(_checker: object, value: object) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def _multiple_of(
    _validator: object, step: float | Decimal, instance: object, _schema: object
) -> Iterator[ValidationError]:
    if isinstance(instance, bool) or not isinstance(instance, (int, float, Decimal)):
        return
    if not values.is_multiple(instance, step):
        yield ValidationError(f"not a multiple of {step}")


def _bound(keyword: str) -> Callable[..., Iterator[ValidationError]]:
    """Return what checks a bound: all digits of a float are the number it was made of.

    NaN is on neither side of a bound.
    """
    usual: Callable[..., Iterator[ValidationError] | None]
    usual = DEFAULT_JSONSCHEMA_VALIDATOR.VALIDATORS[keyword]

    def check(
        validator: object, bound: object, instance: object, schema: object
    ) -> Iterator[ValidationError]:
        if _is_nan(instance) or _is_nan(bound):
            return
        if isinstance(instance, Decimal):
            instance = values.before_float(instance)
        yield from usual(validator, bound, instance, schema) or ()

    return check


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _unique_items(
    validator: object, wanted: object, instance: object, schema: object
) -> Iterator[ValidationError]:
    usual = DEFAULT_JSONSCHEMA_VALIDATOR.VALIDATORS["uniqueItems"]
    try:
        yield from usual(validator, wanted, instance, schema) or ()
    except ArithmeticError:
        # An array with NaN cannot be kept as JSON anyway.
        yield ValidationError("NaN is not to be told from others")


_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    DEFAULT_JSONSCHEMA_VALIDATOR,
    validators={
        "multipleOf": _multiple_of,
        **{
            name: _bound(name)
            for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        },
        "oneOf": DEFAULT_JSONSCHEMA_VALIDATOR.VALIDATORS["anyOf"],
        "uniqueItems": _unique_items,
    },
    type_checker=DEFAULT_JSONSCHEMA_VALIDATOR.TYPE_CHECKER.redefine("integer", _is_integer),
)
"""As the SDK validates, but 1.0 is an integer, as the JSON Schema specification has it, a multiple
is told exactly, and a value may be right in several ways that `oneOf` names: taps write it where
they mean `anyOf`, such as for a date-time or any text."""


def _without_nonsense(schema: dict[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """Return a schema without the keywords that make no sense in it.

    Raises:
        SchemaError: Nothing can be told of a property, since its type is none of JSON Schema's.
    """
    metaschema = _Validator(_Validator.META_SCHEMA, format_checker=_Validator.FORMAT_CHECKER)
    told: set[str] = set()
    with warnings.catch_warnings():
        # Some patterns mean other things to Python than it thinks their authors meant.
        warnings.simplefilter("ignore", FutureWarning)
        while errors := list(metaschema.iter_errors(schema)):
            if not told:
                schema = copy.deepcopy(schema)
            for error in errors:
                steps, keyword = keyword_place(list(error.absolute_path))
                place = "".join(f"[{step!r}]" for step in steps)
                if keyword == "type" or not (steps or keyword):
                    msg = f"the schema is no valid JSON schema at {place}['type']: {error.message}"
                    raise SchemaError(msg)
                told |= {place if keyword is None else f"{place}[{keyword!r}]"}
                leave_out(schema, steps, keyword)
    if told:
        warn(
            f"its schema makes no sense at {', '.join(sorted(told)[:5])}, which is left out: "
            "values are not checked against it"
        )
    return schema


def decoded(record: bytes) -> dict[str, Any]:
    """Decode a record; numbers that are no integers, or very long ones, as `Decimal`.

    Raises:
        InvalidValueError: It is no JSON object, or holds a number that cannot be read.
    """
    try:
        value = json.loads(record, parse_float=values.exact, parse_int=values.integer)
    except UnicodeDecodeError:
        reason = "the record is not JSON: it is not UTF-8"
        raise InvalidValueError(reason) from None
    except json.JSONDecodeError:
        reason = "the record is not JSON"
        raise InvalidValueError(reason) from None
    except InvalidValueError as error:
        reason = f"{_unreadable_member(record)}{error}"
        raise InvalidValueError(reason) from None
    except RecursionError:
        raise _too_deep(record) from None
    return value  # type: ignore[no-any-return] # one that is no object is refused later


def _unreadable_member(record: bytes) -> str:
    """Return the place of a number that cannot be read, as an error begins with it."""
    try:
        members = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
    except _REFUSALS:
        return ""  # there is more in it that cannot be read
    return next((f"property {n!r}: " for n, raw in members.items() if not _is_readable(raw)), "")


def _is_readable(text: msgspec.Raw) -> bool:
    try:
        json.loads(bytes(text), parse_float=values.exact)
    except ValueError:
        return False
    return True


def _too_deep(record: bytes) -> InvalidValueError:
    name = deepest_member(record, 1)
    at = f" (property {name!r})" if name is not None else ""
    return InvalidValueError(f"the record is nested too deeply{at}")


class Decoder:
    """Checks the records of one stream under one schema, and makes lines of them."""

    def __init__(  # noqa: PLR0913
        self,
        schema: dict[str, Any],
        keys: Sequence[str],
        options: TypeOptions,
        *,
        validate: bool,
        metadata: frozenset[str],
        warn: Callable[[str], None],
    ) -> None:
        """Work out columns, decoder and validator.

        Args:
            schema: The JSON schema of the stream's records, as `schemas.normalized` returns it.
            keys: Names of the key properties.
            options: The user's choices for types.
            validate: Whether constraints beyond the types of columns are checked.
            metadata: Names of the metadata columns, which hold what the loader says and not what
                a property of the same name does.
            warn: Takes one line about something that is no error but worth knowing.

        Raises:
            SchemaError: The schema is no JSON schema, or a key is none of its properties.
        """
        self.keys = tuple(keys)
        self._validate = validate
        self._warn = warn
        self._warned: set[str] = set()
        schema = self._schema = _without_nonsense(schema, warn)
        self._metadata = metadata
        self._validator = _Validator(schema, registry=Registry())
        self._properties = {
            name: resolve(node, schema)
            for name, node in schema["properties"].items()
            if name not in metadata
        }
        for key in self.keys:
            if key in metadata:
                msg = f"the key property {key!r} is called as a metadata column; {_RENAME}"
                raise SchemaError(msg)
            if key not in self._properties:
                msg = f"the key property {key!r} is not among the schema's properties"
                raise SchemaError(msg)
        if hidden := [name for name in schema["properties"] if name in metadata]:
            warn(
                f"the schema has properties that are called as metadata columns "
                f"({', '.join(map(repr, hidden))}): what records hold there is not loaded; "
                f"{_RENAME}"
            )
        names = list(self._properties)
        # DuckDB reads no two keys whose names differ by case alone; metadata is beside them.
        spelled = {*map(folded, names)} - {*map(folded, metadata)}
        by_name = all(map(shapes.plain, names)) and len(spelled) == len(names)
        self.columns = [
            self._column(index, name, _sql_type(name, node, schema, options), by_name=by_name)
            for index, (name, node) in enumerate(self._properties.items())
        ]
        self._stagers = {
            column.name: (values.any_key_text if column.name in self.keys else values.any_text)
            if column.sql_type == "VARCHAR" and not validate
            else values.stager(
                column.sql_type, is_exact=column.is_exact, is_key=column.name in self.keys
            )
            for column in self.columns
        }
        self._is_fast = by_name and bool(self.columns) and self._is_plain()
        self._drop_unknown = self._has_warned = False
        self._guess: Guess | None = None
        #: Names of the columns whose objects and arrays may be staged as they are.
        self.nested: set[str] = set()
        self._is_spelled_alike = True
        if self._is_fast:
            self._plans = [self._plan(column) for column in self.columns]
            self._build_decoders()

    def _column(self, index: int, name: str, sql_type: str, *, by_name: bool) -> Column:
        is_number = sql_type == EXACT_NUMBER
        return Column(
            name=name,
            sql_type="DOUBLE" if is_number else sql_type,
            staged=name if by_name else f"c{index}",
            attribute=f"c{index}",
            is_exact=is_number or (name in self.keys and sql_type in INEXACT),
        )

    def decode(self, lines: bytes, metadata: Mapping[str, Any]) -> Iterator[Rows | Refused]:
        """Yield all records, in order; blank lines are skipped.

        Args:
            lines: Records as JSON, one per line.
            metadata: Values of metadata columns, by name, the same for all.
        """
        if self._guess is not None and self._guess.decoder is not None:
            rows = self._decode_verbatim(lines, metadata)
            self._guess.tell(is_right=rows is not None)
            if rows is not None:
                yield rows
                return
        yield from self._decode(lines, 0, metadata)

    def _decode(
        self, lines: bytes, first: int, metadata: Mapping[str, Any]
    ) -> Iterator[Rows | Refused]:
        count = lines.count(b"\n") + (not lines.endswith(b"\n"))
        is_regular = is_one_per_line(lines, count)
        rows = self._decode_fast(lines, count, metadata) if is_regular and self._is_fast else None
        if rows is not None:
            yield rows
        elif count == 1:
            if not lines.isspace():
                yield self._decode_slowly(lines, first, metadata)
        elif is_regular and self._is_fast:
            half = lines.find(b"\n", len(lines) // 2) + 1
            if half in {0, len(lines)}:  # the last line is longer than all others together
                half = lines.rindex(b"\n", 0, len(lines) - 1) + 1
            yield from self._decode(lines[:half], first, metadata)
            yield from self._decode(lines[half:], first + lines.count(b"\n", 0, half), metadata)
        else:
            for index, line in enumerate(io.BytesIO(lines), first):
                yield from self._decode(line, index, metadata)

    # The fast way

    def _decode_fast(self, lines: bytes, count: int, metadata: Mapping[str, Any]) -> Rows | None:
        """Decode lines at once; None where one of them is not just as the schema has it."""
        with uncollected():
            try:
                written, has_texts = self._rewritten(lines, count)
            except _REFUSALS:
                return None
        return self._rows(written, count, metadata, has_texts=has_texts)

    def _rewritten(self, lines: bytes, count: int) -> tuple[bytes, bool]:
        """Return lines as they are staged, and whether nested values are texts in them.

        What is decoded is gone when this returns, so that no garbage collector looks through it.
        """
        if self._checker is not None:
            self._checker.decode_lines(lines)
        rows = self._checked_rows(self._decoder, lines)
        if len(rows) != count:
            raise _SlowPathError
        if self._guess is not None:
            self._guess.learn(lines, rows, self._attributes)
        written = _ENCODER.encode_lines(rows)
        has_texts = not self._is_spelled_alike or (
            bool(self._texts) and _may_have_controls(written)
        )
        if has_texts:
            self._apply(self._texts, rows)
            written = _ENCODER.encode_lines(rows)
        return written, has_texts

    def _checked_rows(self, decoder: msgspec.json.Decoder[Any], lines: bytes) -> list[Any]:
        self._is_spelled_alike = True
        rows: list[Any] = decoder.decode_lines(lines)
        self._apply(self._fixes, rows)
        if any(None in map(key, rows) for key in self._key_getters):
            raise _SlowPathError
        return rows

    def _decode_verbatim(self, lines: bytes, metadata: Mapping[str, Any]) -> Rows | None:
        """Decode lines that may be staged as they are; None where one of them may not."""
        assert self._guess is not None  # noqa: S101 (for the type checker)
        with uncollected():
            try:
                rows = self._checked_rows(self._guess.decoder, lines)
                count, written = len(rows), _ENCODER.encode_lines(rows)
                rows.clear()
            except _REFUSALS:
                return None
        is_same = written == lines or (not lines.endswith(b"\n") and written[:-1] == lines)
        if not is_same or not self._is_spelled_alike or _may_have_controls(written):
            return None
        return self._rows(written, count, metadata, has_texts=False)

    def _rows(
        self, written: bytes, count: int, metadata: Mapping[str, Any], *, has_texts: bool
    ) -> Rows | None:
        if metadata:
            if not self._has_needed and (written.startswith(b"{}") or b"\n{}\n" in written):
                return None
            written = _with_members(written, _ENCODER.encode(metadata))
        return Rows(written, count, has_texts)

    @staticmethod
    def _apply(fixes: list[tuple[str, Any]], rows: list[Any]) -> None:
        for attribute, fix in fixes:
            for row in rows:
                value = getattr(row, attribute)
                if value is not None and value is not msgspec.UNSET:
                    setattr(row, attribute, fix(value))

    def _number(self, literal: str) -> float | Decimal:
        """Decode a number inside a nested value; note one that DuckDB would write otherwise."""
        number = float(literal)
        if repr(number) == literal and "e" not in literal:
            return number
        self._is_spelled_alike = False
        return values.exact(literal)

    def _is_plain(self) -> bool:
        """Return whether the schema says nothing about records but which properties they have."""
        if not self._validate:
            return True
        return (
            shapes.constraints(self._schema) <= _PLAIN_KEYWORDS
            and shapes.type_names(self._schema) in ([], ["object"], ["object", "null"])
            and isinstance(self._schema.get("additionalProperties", True), bool)
            and set(self._schema.get("required", [])) <= set(self._properties)
        )

    def _build_decoders(self) -> None:
        pairs = list(zip(self.columns, self._plans, strict=True))
        self.nested = {column.name for column, plan in pairs if plan.is_nested}
        self._texts = [(c.attribute, values.exact_json) for c, plan in pairs if plan.is_nested]
        self._fixes = [(c.attribute, plan.fix) for c, plan in pairs if plan.fix is not None]
        self._key_getters = [attrgetter(c.attribute) for c in self.columns if c.name in self.keys]
        required = set(self._schema.get("required", [])) if self._validate else set()
        needed = required | set(self.keys)
        self._has_needed = bool(needed)
        strict = self._validate and self._schema.get("additionalProperties") is False
        row = _row_type(
            [(column, plan.annotation) for column, plan in pairs],
            needed,
            forbid_unknown=strict or not self._drop_unknown,
        )
        self._decoder = msgspec.json.Decoder(row, float_hook=self._number)
        self._attributes = {column.name: column.attribute for column in self.columns}
        self._guess = self._new_guess(needed)
        checked = [(c, plan.checked) for c, plan in pairs if plan.checked is not None]
        self._checker = None
        if checked:
            row = _row_type(checked, needed, forbid_unknown=False)
            self._checker = msgspec.json.Decoder(row)

    def _new_guess(self, needed: set[str]) -> Guess | None:
        """Return how lines may be read that are staged as they are; None without nested values."""
        columns = {column.name: column for column in self.columns}
        known = {
            column.name: plan.annotation if plan.checked is None else plan.checked
            for column, plan in zip(self.columns, self._plans, strict=True)
        }

        def build(names: Sequence[str], types: Mapping[str, Any]) -> msgspec.json.Decoder[Any]:
            row = _row_type(
                [(columns[name], types[name]) for name in names], needed, forbid_unknown=True
            )
            return msgspec.json.Decoder(row, float_hook=self._number)

        return Guess(known, build) if self.nested else None

    def _plan(self, column: Column) -> FieldPlan:
        """Choose the fastest way to decode a property that never takes a wrong value for right."""
        schema = self._properties[column.name]
        is_valid = self._validator.evolve(schema=schema).is_valid if self._validate else None
        known = shapes.shape(
            schema
            if is_valid is not None
            else _UNCONSTRAINED.get(column.sql_type, {"type": "string"}),
            self._schema,
        )
        nullable = is_valid is None or is_valid(None)
        checked = self._checked(column, is_valid, nullable=nullable)
        if known is None or column.is_exact:
            plan = FieldPlan(msgspec.Raw, checked)
        elif column.sql_type in {"BIGINT", "BOOLEAN", "VARCHAR"}:
            plan = FieldPlan(known)
        elif column.sql_type in _PARSED:
            parsed: Any = _PARSED[column.sql_type]
            plan = FieldPlan(parsed | None if nullable else parsed)
        elif column.sql_type == "TIME":
            # Not parsed at once: of the last part of a second of a day `msgspec` makes midnight.
            plan = FieldPlan(known, values.time)
        elif column.sql_type == "DOUBLE":
            plan = FieldPlan(msgspec.Raw, self._double(column.name, nullable=nullable))
        elif column.sql_type != "JSON":
            plan = FieldPlan(msgspec.Raw, checked)
        elif shapes.keeps_all(known):
            is_nested = shapes.is_nested(known)
            plan = FieldPlan(known, None if is_nested else values.exact_json, is_nested=is_nested)
        elif shapes.is_nested(known):
            plan = FieldPlan(_NESTED, is_nested=True, checked=known)
        else:
            plan = FieldPlan(msgspec.Raw, _typed_json(known, nullable=nullable))
        return plan

    def _double(self, name: str, *, nullable: bool) -> Callable[[msgspec.Raw], Any]:
        def fix(raw: msgspec.Raw) -> Any:  # noqa: ANN401
            literal = bytes(raw)
            if literal[0] not in _NUMBER_STARTS:
                if literal == _NULL and nullable:
                    return None
                raise _SlowPathError
            if _is_long(literal):
                number = _ANYTHING.decode(literal)
                staged = values.double(number)
                if values.rounds(number):
                    self._warn_rounding(name)
                return staged
            return raw

        return fix

    def _checked(
        self, column: Column, is_valid: Callable[[object], bool] | None, *, nullable: bool
    ) -> Callable[[msgspec.Raw], Any]:
        stage = self._stagers[column.name]
        may_round = column.sql_type == "DOUBLE" and not column.is_exact

        def fix(raw: msgspec.Raw) -> Any:  # noqa: ANN401
            value = _ANYTHING.decode(raw)
            if value is None:
                if nullable:
                    return None
                raise _SlowPathError
            if is_valid is not None and not is_valid(value):
                raise _SlowPathError
            staged = stage(value)
            if may_round and _is_long(bytes(raw)) and values.rounds(value):
                self._warn_rounding(column.name)
            return staged

        return fix

    # The slow way

    def decode_one(self, record: object, metadata: Mapping[str, Any]) -> Rows | Refused:
        """Return a record that is decoded already, with `Decimal` for numbers, as one line."""
        try:
            staged = self._staged(record)
            staged.update(metadata)
            return Rows(_ENCODER.encode(staged) + b"\n", 1, has_texts=True)
        except InvalidValueError as error:
            return Refused(0, record if isinstance(record, dict) else values.as_text(record), error)
        except RecursionError:
            text = values.as_text(record)
            return Refused(0, text, _too_deep(text))

    def _decode_slowly(
        self, line: bytes, index: int, metadata: Mapping[str, Any]
    ) -> Rows | Refused:
        limit = sys.getrecursionlimit()
        # What the fast way reads is read here as well, from a place that is deeper in the stack.
        sys.setrecursionlimit(limit + _DEEPER)
        try:
            found = self.decode_one(decoded(line), metadata)
        except InvalidValueError as error:
            return Refused(index, line, error)
        finally:
            sys.setrecursionlimit(limit)
        return Refused(index, line, found.error) if isinstance(found, Refused) else found

    def _staged(self, record: object) -> dict[str, Any]:
        if not self.columns:
            reason = "its schema has no properties"
            raise InvalidValueError(reason)
        if not isinstance(record, dict):
            reason = f"expected an object, got {values.kind(record)}"
            raise InvalidValueError(reason)
        for key in self.keys:
            if record.get(key) is None:
                state = "null" if key in record else "missing"
                reason = f"the key property {key!r} is {state}"
                raise InvalidKeyError(reason)
        if self._validate:
            self._check(record)
        self._note_unknown(record)
        staged: dict[str, Any] = {}
        for column in self.columns:
            value = record.get(column.name)
            # Where a row is not deleted some taps say so by an empty text.
            if value is None or (value == "" and is_mark(column)):
                continue
            try:
                staged[column.staged] = self._stagers[column.name](value)
            except InvalidValueError as error:
                reason = f"property {column.name!r}: {error}"
                raise type(error)(reason, column.name) from None
            if column.sql_type == "DOUBLE" and not column.is_exact and values.rounds(value):
                self._warn_rounding(column.name)
        return staged

    def _check(self, record: dict[str, Any]) -> None:
        error = best_match(self._validator.iter_errors(record))
        if error is None:
            return
        path = "".join(f"[{step!r}]" for step in error.absolute_path)
        place = f"property {path}: " if path else ""
        # The validator's own message quotes the value, which must not reach a log.
        if error.validator == "type":
            wanted = error.validator_value
            names = wanted if isinstance(wanted, list) else [wanted]
            reason = f"expected {' or '.join(map(str, names))}, got {values.kind(error.instance)}"
        elif error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            reason = f"the required property {missing[0]!r} is missing"
        elif error.validator == "additionalProperties":
            reason = "it has properties that the schema does not allow"
        elif error.validator is None or (error.validator, error.validator_value) == ("not", {}):
            reason = "the schema allows no value here"
        else:
            reason = f"it breaks '{error.validator}' of the schema"
        raise InvalidValueError(place + reason)

    def _note_unknown(self, record: dict[str, Any]) -> None:
        """Have properties that the schema lacks dropped on the fast way too, after one warning."""
        unknown = [name for name in record if name not in self._properties]
        foreign = [name for name in unknown if name not in self._metadata]
        if foreign and not self._has_warned:
            named = ", ".join(map(repr, foreign[:5]))
            self._warn(f"records have properties that the schema lacks ({named}): they are dropped")
            self._has_warned = True
        if unknown and not self._drop_unknown:
            self._drop_unknown = True
            if self._is_fast:
                self._build_decoders()

    def _warn_rounding(self, name: str) -> None:
        if name not in self._warned:
            self._warned.add(name)
            self._warn(
                f"property {name!r} has numbers with more digits than a DOUBLE holds, which are "
                "rounded; 'multipleOf' in its schema makes the column an exact DECIMAL"
            )


def _sql_type(name: str, node: dict[str, Any], schema: dict[str, Any], options: TypeOptions) -> str:
    sql_type = column_type(node, schema, options)
    return "HUGEINT" if sql_type == "BIGINT" and name in options.wide else sql_type


def _row_type(
    fields: Sequence[tuple[Column, Any]], needed: set[str], *, forbid_unknown: bool
) -> Any:  # noqa: ANN401
    """Return the structure that `msgspec` decodes records into.

    Args:
        fields: The properties it has, each with its type.
        needed: Names of properties that no record may lack.
        forbid_unknown: Whether other properties are refused; otherwise they are skipped.
    """
    definition: list[tuple[str, Any, Any]] = [
        (
            column.attribute,
            annotation,
            msgspec.field(name=column.staged)
            if column.name in needed
            else msgspec.field(name=column.staged, default=msgspec.UNSET),
        )
        for column, annotation in fields
    ]
    return msgspec.defstruct(
        "Row", definition, kw_only=True, gc=False, forbid_unknown_fields=forbid_unknown
    )


def _typed_json(known: Any, *, nullable: bool) -> Callable[[msgspec.Raw], str | None]:  # noqa: ANN401
    typed = msgspec.json.Decoder(known)

    def fix(raw: msgspec.Raw) -> str | None:
        if bytes(raw) == _NULL:
            if nullable:
                return None
            raise _SlowPathError
        typed.decode(raw)
        return values.exact_json(_ANYTHING.decode(raw))

    return fix


def _is_long(literal: bytes) -> bool:
    """Return whether a DOUBLE may hold another number than the one that is written."""
    return len(literal) > _SHORT_NUMBER or b"e" in literal or b"E" in literal


def _may_have_controls(encoded: bytes) -> bool:
    """Return whether there can be control characters in what the encoder wrote."""
    # One character is looked for much faster than several, and many records hold none at all.
    return b"\\" in encoded and _CONTROL_CHARACTER in encoded


def _with_members(lines: bytes, members: bytes) -> bytes:
    """Add the members of an object to each line, of which none is empty."""
    end = b"," + members[1:] + b"\n"
    # Inside a text a line break is written otherwise. To look for "}\n" would take longer.
    return end.join([line[:-1] for line in lines.split(b"\n")])
