"""From the JSON of a record to one line of a staging file, checked against the stream's schema.

The usual record takes the fast path: `msgspec` decodes it into a structure made for the stream,
which checks every type on the way, and writes it back out with the values that need it put into
the exact form DuckDB is to read. What that structure refuses goes through a JSON Schema validator
and plain Python, which either accept the record after all or say what is wrong with it.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from jsonschema import validators
from jsonschema.exceptions import SchemaError as JSONSchemaError
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from target_duckdb import fields, shapes, values
from target_duckdb.bulk import BulkStager
from target_duckdb.column_types import column_type
from target_duckdb.errors import InvalidKeyError, InvalidValueError, SchemaError
from target_duckdb.names import folded
from target_duckdb.references import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from target_duckdb.bulk import Staged
    from target_duckdb.column_types import TypeOptions

VERSION = "_sdc_table_version"
DELETED_AT = "_sdc_deleted_at"
METADATA = {
    "_sdc_extracted_at": "TIMESTAMPTZ",
    "_sdc_received_at": "TIMESTAMPTZ",
    "_sdc_batched_at": "TIMESTAMPTZ",
    DELETED_AT: "TIMESTAMPTZ",
    "_sdc_sequence": "BIGINT",
    VERSION: "BIGINT",
    "_sdc_sync_started_at": "BIGINT",
}
"""The metadata columns of the Singer SDK and their types, in order."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_PLAIN_KEYWORDS = {"type", "properties", "required", "additionalProperties"}


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


_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    DEFAULT_JSONSCHEMA_VALIDATOR,
    validators={"multipleOf": _multiple_of},
    type_checker=DEFAULT_JSONSCHEMA_VALIDATOR.TYPE_CHECKER.redefine("integer", _is_integer),
)
"""As the SDK validates, but 1.0 is an integer, as the JSON Schema specification has it, and a
multiple is told exactly."""


def decoded(record: bytes | msgspec.Raw) -> dict[str, Any]:
    """Decode a record; numbers that are no integers, or very long ones, as `Decimal`.

    Raises:
        InvalidValueError: It is no JSON object, or holds a number that cannot be read.
    """
    try:
        value = json.loads(bytes(record), parse_float=values.exact, parse_int=values.integer)
    except (json.JSONDecodeError, UnicodeDecodeError):
        reason = "the record is not JSON"
        raise InvalidValueError(reason) from None
    if not isinstance(value, dict):
        reason = f"expected an object, got {values.kind(value)}"
        raise InvalidValueError(reason)
    return value


class Codec:
    """Checks and stages the records of one stream under one schema."""

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
            schema: The JSON schema of the stream's records.
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
        self._schema = schema
        self._metadata = metadata
        self._validator = self._checked_validator()
        self._properties = {
            name: resolve(node, schema)
            for name, node in schema["properties"].items()
            if name not in metadata
        }
        for key in self.keys:
            if key not in self._properties:
                msg = f"the key property {key!r} is not among the schema's properties"
                raise SchemaError(msg)
        names = list(self._properties)
        by_name = all(map(shapes.plain, names)) and len(set(map(folded, names))) == len(names)
        self.columns = [
            fields.Column(
                name=name,
                sql_type=column_type(node, schema, options),
                staged=name if by_name else f"c{index}",
                attribute=f"c{index}",
            )
            for index, (name, node) in enumerate(self._properties.items())
        ]
        self._stagers = {column.name: values.stager(column.sql_type) for column in self.columns}
        self._fast = by_name and self._is_plain()
        self._drop_unknown = False
        #: Names of the columns whose objects and arrays `stage_lines` may leave as they are.
        self.nested: set[str] = set()
        if self._fast:
            self._plan_fields()
            self._build_decoders()

    def stage(
        self,
        record: bytes | msgspec.Raw | dict[str, Any],
        metadata: Mapping[str, Any],
        to: bytearray,
    ) -> None:
        """Append a record to a staging buffer, as one line.

        Args:
            record: The record, as JSON or decoded with `Decimal` for numbers.
            metadata: Values of metadata columns, by name.
            to: The buffer.

        Raises:
            InvalidValueError: The record breaks the schema or does not fit its columns.
        """
        start = len(to)
        if not self.columns:
            reason = "its schema has no properties"
            raise InvalidValueError(reason)
        try:
            if isinstance(record, dict):
                staged = self._stage_slowly(record)
            elif self._fast and self._stage_fast(record, metadata, to):
                staged = None
            else:
                staged = self._stage_slowly(decoded(record))
            if staged is not None:
                staged.update(metadata)
                _ENCODER.encode_into(staged, to, -1)
        except RecursionError:
            del to[start:]
            reason = "the record is nested too deeply"
            raise InvalidValueError(reason) from None
        to += b"\n"

    def stage_lines(
        self, lines: bytes, metadata: Mapping[str, Any], to: bytearray
    ) -> Staged | None:
        """Append many records to a staging buffer at once.

        Args:
            lines: Records as JSON, one per line.
            metadata: Values of metadata columns, by name, the same for all.
            to: The buffer.

        Returns:
            What was appended; None, and nothing was, where `stage` has to take each.
        """
        if not self._fast or not self.columns:
            return None
        return self._bulk.stage(lines, metadata, to)

    def _stage_fast(
        self, record: bytes | msgspec.Raw, metadata: Mapping[str, Any], to: bytearray
    ) -> bool:
        try:
            row = self._decoder.decode(record)
            for attribute, fix in self._fixes:
                value = getattr(row, attribute)
                if value is not None and value is not msgspec.UNSET:
                    setattr(row, attribute, fix(value))
            for attribute in self._key_attributes:
                if getattr(row, attribute) is None:
                    return False
        except (
            msgspec.DecodeError, fields.SlowPathError, InvalidValueError, UnicodeDecodeError,
        ):  # fmt: skip
            return False
        for name in self._metadata:
            setattr(row, name, metadata.get(name, msgspec.UNSET))
        _ENCODER.encode_into(row, to, -1)
        return True

    def _stage_slowly(self, record: dict[str, Any]) -> dict[str, Any]:
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
            if value is None:
                continue
            try:
                staged[column.staged] = self._stagers[column.name](value)
            except InvalidValueError as error:
                reason = f"property {column.name!r}: {error}"
                raise InvalidValueError(reason) from None
            if column.sql_type == "DOUBLE" and values.rounds(value):
                self._warn_rounding(column.name)
        return staged

    def _checked_validator(self) -> Any:  # noqa: ANN401
        try:
            _Validator.check_schema(self._schema)
        except JSONSchemaError as error:
            msg = f"the schema is no valid JSON schema: {error.message}"
            raise SchemaError(msg) from None
        return _Validator(self._schema, registry=Registry())

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
        elif error.validator is None:
            reason = "the schema allows no value here"
        else:
            reason = f"it breaks '{error.validator}' of the schema"
        raise InvalidValueError(place + reason)

    def _note_unknown(self, record: dict[str, Any]) -> None:
        unknown = [n for n in record if n not in self._properties and n not in self._metadata]
        if unknown and not self._drop_unknown:
            named = ", ".join(map(repr, unknown[:5]))
            self._warn(f"records have properties that the schema lacks ({named}): they are dropped")
            self._drop_unknown = True
            if self._fast:
                self._build_decoders()

    def _warn_rounding(self, name: str) -> None:
        if name not in self._warned:
            self._warned.add(name)
            self._warn(
                f"property {name!r} has numbers with more digits than a DOUBLE holds, which are "
                "rounded; 'multipleOf' in its schema makes the column an exact DECIMAL"
            )

    def _is_plain(self) -> bool:
        """Tell whether the schema says nothing about records but which properties they have."""
        if not self._validate:
            return True
        return (
            shapes.constraints(self._schema) <= _PLAIN_KEYWORDS
            and shapes.type_names(self._schema) in ([], ["object"], ["object", "null"])
            and isinstance(self._schema.get("additionalProperties", True), bool)
            and set(self._schema.get("required", [])) <= set(self._properties)
        )

    def _plan_fields(self) -> None:
        self._plans = []
        for column in self.columns:
            node = self._properties[column.name]
            check = self._validator.evolve(schema=node).is_valid if self._validate else None
            self._plans.append(fields.plan(column, node, self._schema, check, self._warn_rounding))
        self._fixes = [
            (column.attribute, plan.fix)
            for column, plan in zip(self.columns, self._plans, strict=True)
            if plan.fix is not None
        ]
        self._key_attributes = [c.attribute for c in self.columns if c.name in self.keys]
        pairs = zip(self.columns, self._plans, strict=True)
        self.nested = {column.name for column, plan in pairs if plan.nested is not None}

    def _build_decoders(self) -> None:
        required = set(self._schema.get("required", [])) if self._validate else set()
        needed = required | set(self.keys)
        strict = self._validate and self._schema.get("additionalProperties") is False
        forbid_unknown = strict or not self._drop_unknown
        annotations = {
            column.name: plan.annotation
            for column, plan in zip(self.columns, self._plans, strict=True)
        }
        row = fields.row_type(
            self.columns, annotations, needed, self._metadata, forbid_unknown=forbid_unknown
        )
        self._decoder = msgspec.json.Decoder(row, float_hook=values.exact)
        self._bulk = BulkStager(
            self.columns,
            self._plans,
            needed=needed,
            keys=self.keys,
            metadata=self._metadata,
            forbid_unknown=forbid_unknown,
        )
