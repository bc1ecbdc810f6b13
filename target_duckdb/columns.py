"""JSON Schema types as DuckDB columns, and which DuckDB type can take in which other.

**The key rule.** A key is identity: keys that differ as JSON values are two rows. A DOUBLE holds
no integers beyond 2^53, a TIMESTAMPTZ nothing finer than a microsecond. So such a key is staged as
text, one spelling for one value (`values.stager`, `spelled`), and its column has the first type
that each key reads back from as it was spelled (`reads_back`): the type of the schema, a DECIMAL,
or VARCHAR. The same holds for numbers whose `multipleOf` no DECIMAL can hold. `merge` applies it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from target_duckdb.names import quote
from target_duckdb.schemas import variants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeGuard

BIGINT_MIN = -(2**63)
BIGINT_MAX = 2**63 - 1
HUGEINT_MIN = -(2**127)
HUGEINT_MAX = 2**127 - 1

MAX_PRECISION = 38
"""Digits of DuckDB's widest DECIMAL."""

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

EXACT_NUMBER = "NUMBER"
"""No type of DuckDB: a number of any size and fineness, whose type is found by the key rule."""

INEXACT = {"DOUBLE", "JSON", "TIME", "TIMESTAMPTZ"}
"""Types of keys that are staged as text: two values may have one spelling there, or one two."""

_BIGINT_DIGITS = 19
_MAX_OPEN_SCALE = 18
"""Digits after the point that leave room for any integer of 64 bits in a DECIMAL before it."""

_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.IGNORECASE)
_SMALL_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"}
_INTEGERS = _SMALL_INTEGERS | {"BIGINT", "UBIGINT", "HUGEINT"}
_FORMATS = {"date-time": "TIMESTAMPTZ", "date": "DATE", "time": "TIME"}
_DECIMAL_FORMATS = {"singer.decimal", "x-singer.decimal"}
_ALIASES = {
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
    "FLOAT": "REAL",
    "INT": "INTEGER",
}
_SCALARS = _INTEGERS | {
    "BOOLEAN", "DATE", "DOUBLE", "REAL", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "UUID", "VARCHAR",
}  # fmt: skip


@dataclass(frozen=True)
class TypeOptions:
    """Choices a user has in the mapping.

    Attributes:
        uuid: The DuckDB type of strings of format `uuid`: `VARCHAR` or `UUID`.
        wide: Names of properties whose integers need 128 bits, whatever their schema says.
    """

    uuid: str = "VARCHAR"
    wide: frozenset[str] = frozenset()


def canonical(name: str) -> str:
    """Return the name this module knows a DuckDB type by (`TIMESTAMPTZ`, `DECIMAL(38,2)`)."""
    return _ALIASES.get(name.upper(), name.upper())


def decimal_size(name: str) -> tuple[int, int] | None:
    """Return precision and scale of a DECIMAL type, or None for another type."""
    match = _DECIMAL.fullmatch(name.strip())
    if match is None:
        return None
    return int(match[1]), int(match[2] or 0)


def column_type(schema: Any, root: dict[str, Any], options: TypeOptions) -> str:  # noqa: ANN401
    """Return the DuckDB type of a property.

    Args:
        schema: The property's JSON schema.
        root: The stream's schema, in which references are looked up.
        options: The user's choices.
    """
    found = {
        _scalar_type(variant, options)
        for variant in variants(schema, root)
        if variant.get("type") != "null"
    }
    if not found:
        return "JSON"
    result = found.pop()
    for other in found:
        result = _unify(result, other)
    return result


def _scalar_type(schema: dict[str, Any], options: TypeOptions) -> str:
    kind = schema.get("type")
    if kind == "string":
        return _string_type(schema, options)
    if kind == "integer":
        return _integer_type(schema)
    if kind == "number":
        return _number_type(schema)
    return "BOOLEAN" if kind == "boolean" else "JSON"


def _string_type(schema: dict[str, Any], options: TypeOptions) -> str:
    text_format = schema.get("format")
    if text_format == "uuid":
        return options.uuid
    if text_format in _DECIMAL_FORMATS:
        precision, scale = schema.get("precision"), schema.get("scale")
        if type(precision) is int and type(scale) is int:
            return _decimal(precision, scale) or "VARCHAR"
        return "VARCHAR"
    return _FORMATS.get(cast("str", text_format), "VARCHAR")


def _integer_type(schema: dict[str, Any]) -> str:
    if str(schema.get("x-sql-datatype", "")).upper() == "HUGEINT":
        return "HUGEINT"
    bounds = [
        schema.get(name) for name in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    ]
    # An infinity is a bound as well, and lies beyond 64 bits.
    numbers = [bound for bound in bounds if isinstance(bound, (int, float, Decimal))]
    if any(number < BIGINT_MIN or number > BIGINT_MAX for number in numbers):
        return "HUGEINT"
    return "BIGINT"


def _number_type(schema: dict[str, Any]) -> str:
    size = decimal_size(str(schema.get("x-sql-datatype", "")))
    if size is not None:
        return _decimal(*size) or "DOUBLE"
    step = schema.get("multipleOf")
    if not is_number(step) or step <= 0:
        return "DOUBLE"
    exponent = Decimal(str(step)).normalize().as_tuple().exponent
    scale = max(0, -cast("int", exponent))
    whole = _whole_digits(schema)
    fits = scale <= _MAX_OPEN_SCALE if whole is None else whole + scale <= MAX_PRECISION
    return f"DECIMAL({MAX_PRECISION},{scale})" if fits else EXACT_NUMBER


def _whole_digits(schema: dict[str, Any]) -> int | None:
    """Return how many digits before the point the bounds of a schema allow, None for any number."""
    low, high = (
        [schema[name] for name in (f"exclusive{end}", end.lower()) if is_number(schema.get(name))]
        for end in ("Minimum", "Maximum")
    )
    if not low or not high:
        return None
    largest = max(abs(Decimal(str(max(low)))), abs(Decimal(str(min(high)))))
    return max(0, largest.adjusted() + 1)


def is_number(value: object) -> TypeGuard[float | Decimal]:
    """Return whether a value of a schema is a finite number."""
    return (
        isinstance(value, (int, float, Decimal))
        and not isinstance(value, bool)
        and (isinstance(value, int) or math.isfinite(value))
    )


def _decimal(precision: int, scale: int) -> str | None:
    if not 0 <= scale <= precision <= MAX_PRECISION or precision == 0:
        return None
    return f"DECIMAL({precision},{scale})"


def _unify(left: str, right: str) -> str:
    """Return the type of a property that may be either: one family, or JSON."""
    numbers = _INTEGERS | {"DOUBLE"}
    if is_number_type(left) and is_number_type(right):
        if EXACT_NUMBER in {left, right}:
            return EXACT_NUMBER
        if {left, right} <= numbers:
            return "DOUBLE" if "DOUBLE" in {left, right} else "HUGEINT"
        return common_number(left, right)
    texts = {"VARCHAR", "UUID", "DATE", "TIME", "TIMESTAMPTZ"}
    if left in texts and right in texts:
        return "VARCHAR"
    return "JSON"


def is_number_type(name: str) -> bool:
    """Return whether a type holds numbers."""
    named = _INTEGERS | {"DOUBLE", "REAL", EXACT_NUMBER}
    return name in named or decimal_size(name) is not None


def _as_decimal(name: str) -> tuple[int, int] | None:
    if name in _SMALL_INTEGERS or name == "BIGINT":
        return _BIGINT_DIGITS, 0
    return decimal_size(name)


def common_number(left: str, right: str) -> str:
    """Return the narrowest of our number types that takes both in, DOUBLE where none is exact.

    Two DECIMALs of all digits have none that takes both in: it is the one of the finer step, as
    long as that has room for integers of 64 bits. What does not fit is told (`rounding`).
    """
    pair = {left, right}
    if pair <= _INTEGERS:
        return "HUGEINT" if pair & {"HUGEINT", "UBIGINT"} else "BIGINT"
    sizes = [_as_decimal(left), _as_decimal(right)]
    if None in sizes:
        return "DOUBLE"
    (first, first_scale), (second, second_scale) = cast("list[tuple[int, int]]", sizes)
    scale = max(first_scale, second_scale)
    precision = max(first - first_scale, second - second_scale) + scale
    if not pair & _INTEGERS and scale <= MAX_PRECISION - _BIGINT_DIGITS:
        precision = min(precision, MAX_PRECISION)
    return _decimal(precision, scale) or "DOUBLE"


def evolved(table: str, schema: str) -> str | None:
    """Return the type a column needs to hold what it has and what its schema will bring.

    Args:
        table: The column's type today.
        schema: The type its new schema asks for.

    Returns:
        `table` where it is wide enough, a wider type where the column has to be rewritten, None
        where nothing can be said of the column's type.
    """
    if table == schema:
        return table
    if is_number_type(table) and is_number_type(schema):
        return common_number(table, schema)
    if _widens(schema, table):
        return table
    if _widens(table, schema):
        return schema
    # As text each value stays what it is, where an error would come back with every run.
    return "VARCHAR" if _widens(table, "VARCHAR") and _widens(schema, "VARCHAR") else None


def _widens(narrow: str, wide: str) -> bool:
    known = narrow in _SCALARS or decimal_size(narrow) is not None
    if wide == "JSON":
        return known
    if wide == "VARCHAR":
        return known
    return wide == "TIMESTAMPTZ" and narrow in {"DATE", "TIMESTAMP"}


def converted(expression: str, source: str, target: str) -> str:
    """Return SQL that carries a value over to a wider type.

    Timestamps become ISO 8601 in UTC where the wider type is a text.
    """
    if source == target:
        return expression
    if target == "JSON":
        return _as_json(expression, source)
    if target == "VARCHAR":
        return _as_text(expression, source)
    return f"CAST({expression} AS {target})"


def _as_text(expression: str, source: str) -> str:
    if source in {"TIMESTAMP", "TIMESTAMPTZ"}:
        moment = f"strftime(CAST({expression} AS TIMESTAMPTZ), '%Y-%m-%dT%H:%M:%S.%fZ')"
        return f"regexp_replace({moment}, '\\.?0*Z$', 'Z')"
    return f"CAST({expression} AS VARCHAR)"


def _as_json(expression: str, source: str) -> str:
    text = _as_text(expression, source)
    if source in {"DOUBLE", "REAL"}:
        return (
            f"CASE WHEN isfinite({expression}) THEN CAST({text} AS JSON) ELSE to_json({text}) END"
        )
    if is_number_type(source) or source == "BOOLEAN":
        return f"CAST({text} AS JSON)"
    return f"to_json({text})"


def as_json_text(expression: str, source: str) -> str:
    """Return SQL that writes any value as JSON text; NaN and infinities as Python writes them."""
    if source in {"DOUBLE", "REAL"}:
        number = f"CAST({expression} AS DOUBLE)"
        return (
            f"CASE WHEN isnan({number}) THEN 'NaN' WHEN isinf({number}) THEN "
            f"CASE WHEN {number} > 0 THEN 'Infinity' ELSE '-Infinity' END "
            f"ELSE CAST({number} AS VARCHAR) END"
        )
    if source in _SCALARS or decimal_size(source) is not None:
        return f"CAST({_as_json(expression, source)} AS VARCHAR)"
    return f"CAST(to_json({expression}) AS VARCHAR)"


def rounding(expression: str, source: str, target: str) -> str | None:
    """Return SQL that is true where the conversion changes a value, None where it never does."""
    before, after = decimal_size(source), decimal_size(target)
    is_shorter = before and after and before[0] - before[1] > after[0] - after[1]
    if after is not None and (source == "HUGEINT" or is_shorter):
        return f"TRY_CAST({expression} AS {target}) IS NULL AND {expression} IS NOT NULL"
    if target != "DOUBLE" or source in {"DOUBLE", "REAL"} | _SMALL_INTEGERS:
        return None
    back = f"TRY_CAST(CAST({expression} AS DOUBLE) AS {source})"
    return f"{back} IS DISTINCT FROM {expression}"


def column_definition(name: str, sql_type: str) -> str:
    """Return a column as CREATE TABLE and ALTER TABLE write it."""
    return f"{quote(name)} {sql_type}"


# The key rule


def spelled(expression: str, sql_type: str) -> str:
    """Return SQL that writes a value as `values.stager` stages it where it must be exact."""
    if sql_type in {"DOUBLE", "REAL"}:
        return _double_spelled(f"CAST({expression} AS DOUBLE)")
    size = decimal_size(sql_type)
    if size is not None and size[1]:
        return f"rtrim(rtrim(CAST({expression} AS VARCHAR), '0'), '.')"
    return _as_text(expression, sql_type)


def _double_spelled(number: str) -> str:
    text = f"CAST({number} AS VARCHAR)"
    exponent = f"CAST(split_part({text}, 'e', 2) AS INTEGER)"
    digits = f"replace(split_part(ltrim({text}, '-'), 'e', 1), '.', '')"
    return (
        f"CASE WHEN isnan({number}) THEN 'NaN' "
        f"WHEN isinf({number}) THEN CASE WHEN {number} > 0 THEN 'Infinity' ELSE '-Infinity' END "
        f"WHEN {number} = 0 THEN '0' "
        f"WHEN NOT contains({text}, 'e') THEN regexp_replace({text}, '\\.0$', '') "
        f"ELSE CASE WHEN {number} < 0 THEN '-' ELSE '' END || CASE WHEN {exponent} > 0 "
        f"THEN {digits} || repeat('0', {exponent} - length({digits}) + 1) "
        f"ELSE '0.' || repeat('0', -{exponent} - 1) || {digits} END END"
    )


def reads_back(text: str, sql_type: str) -> str:
    """Return SQL that is true where a value, as it is spelled, is the same in a column."""
    value = f"TRY_CAST({text} AS {sql_type})"
    return f"{spelled(value, sql_type)} IS NOT DISTINCT FROM {text}"


def exact_types(existing: str | None, declared: Sequence[str], scale: int) -> Iterator[str]:
    """Yield the types a column may have by the key rule, the best first; VARCHAR holds all.

    Args:
        existing: The column's type today, None where there is no column.
        declared: The types its schemas ask for.
        scale: The most digits after the point of any value, where all are numbers.
    """
    first, *others = [existing, *declared] if existing is not None else declared
    wanted: str | None = first
    for other in others:
        wanted = None if wanted is None else evolved(wanted, other)
    if wanted is not None:
        yield wanted
    if all(map(is_number_type, (first, *others))):
        yield from (first, *others)
        if scale <= MAX_PRECISION:
            yield f"DECIMAL({MAX_PRECISION},{scale})"
