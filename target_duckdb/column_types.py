"""JSON Schema types as DuckDB types, and which DuckDB type can take in which other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from target_duckdb.names import quote
from target_duckdb.references import resolve

BIGINT_MIN = -(2**63)
BIGINT_MAX = 2**63 - 1
HUGEINT_MIN = -(2**127)
HUGEINT_MAX = 2**127 - 1

MAX_PRECISION = 38
"""Digits of DuckDB's widest DECIMAL."""

_BIGINT_DIGITS = 19
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
    """

    uuid: str = "VARCHAR"


def canonical(name: str) -> str:
    """Return the name this module knows a DuckDB type by (`TIMESTAMPTZ`, `DECIMAL(38,2)`)."""
    return _ALIASES.get(name.upper(), name.upper())


def decimal_size(name: str) -> tuple[int, int] | None:
    """Return precision and scale of a DECIMAL type, or None for another type."""
    match = _DECIMAL.fullmatch(name.strip())
    if match is None:
        return None
    return int(match[1]), int(match[2] or 0)


def variants(
    schema: Any,  # noqa: ANN401
    root: dict[str, Any],
    within: frozenset[str] = frozenset(),
) -> list[dict[str, Any]]:
    """Split a property's schema into alternatives of one type each.

    Args:
        schema: The property's schema.
        root: The stream's schema, in which references are looked up.
        within: The references that led here; one that leads here again says nothing more.

    Returns:
        Copies of the schema with `type` a single name. An alternative whose type cannot be told
        has no `type`.
    """
    node = resolve(schema, root)
    declared = node.get("type")
    if declared is not None:
        names = declared if isinstance(declared, list) else [declared]
        return [{**node, "type": name} for name in names]
    for keyword in ("allOf", "anyOf", "oneOf"):
        if isinstance(node.get(keyword), list):
            rest = {key: value for key, value in node.items() if key != keyword}
            options = _options(node[keyword], root, within)
            if keyword == "allOf":
                # What has to meet all of them has a type that any of them tells.
                merged = {key: value for option, _ in options for key, value in option.items()}
                inner = within.union(*(references for _, references in options))
                return variants({**rest, **merged}, root, inner)
            return [
                variant
                for option, inner in options
                for variant in variants({**rest, **option}, root, inner)
            ]
    return [{key: value for key, value in node.items() if key != "type"}]


def _options(
    schemas: list[Any], root: dict[str, Any], within: frozenset[str]
) -> list[tuple[dict[str, Any], frozenset[str]]]:
    """Follow each schema's reference, if it is not among those that led here; add it to them."""
    found = []
    for option in schemas:
        reference = option.get("$ref") if isinstance(option, dict) else None
        if reference not in within:
            inner = within if reference is None else within | {reference}
            found.append((resolve(option, root), inner))
    return found


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
    low, high = schema.get("minimum"), schema.get("maximum")
    if (low is not None and low < BIGINT_MIN) or (high is not None and high > BIGINT_MAX):
        return "HUGEINT"
    return "BIGINT"


def _number_type(schema: dict[str, Any]) -> str:
    size = decimal_size(str(schema.get("x-sql-datatype", "")))
    if size is not None:
        return _decimal(*size) or "DOUBLE"
    step = schema.get("multipleOf")
    if isinstance(step, (int, float, Decimal)) and not isinstance(step, bool) and step > 0:
        exponent = Decimal(str(step)).normalize().as_tuple().exponent
        return _decimal(MAX_PRECISION, max(0, -cast("int", exponent))) or "DOUBLE"
    return "DOUBLE"


def _decimal(precision: int, scale: int) -> str | None:
    if not 0 <= scale <= precision <= MAX_PRECISION or precision == 0:
        return None
    return f"DECIMAL({precision},{scale})"


def _unify(left: str, right: str) -> str:
    """Return the type of a property that may be either: one family, or JSON."""
    numbers = _INTEGERS | {"DOUBLE"}
    if _is_number(left) and _is_number(right):
        if {left, right} <= numbers:
            return "DOUBLE" if "DOUBLE" in {left, right} else "HUGEINT"
        return common_number(left, right)
    texts = {"VARCHAR", "UUID", "DATE", "TIME", "TIMESTAMPTZ"}
    if left in texts and right in texts:
        return "VARCHAR"
    return "JSON"


def _is_number(name: str) -> bool:
    return name in _INTEGERS or name in {"DOUBLE", "REAL"} or decimal_size(name) is not None


def _as_decimal(name: str) -> tuple[int, int] | None:
    if name in _SMALL_INTEGERS or name == "BIGINT":
        return _BIGINT_DIGITS, 0
    return decimal_size(name)


def common_number(left: str, right: str) -> str:
    """Return the narrowest of our number types that takes both in, DOUBLE where none is exact."""
    pair = {left, right}
    if pair <= _INTEGERS:
        return "HUGEINT" if pair & {"HUGEINT", "UBIGINT"} else "BIGINT"
    sizes = [_as_decimal(left), _as_decimal(right)]
    if None in sizes:
        return "DOUBLE"
    (first, first_scale), (second, second_scale) = cast("list[tuple[int, int]]", sizes)
    scale = max(first_scale, second_scale)
    return _decimal(max(first - first_scale, second - second_scale) + scale, scale) or "DOUBLE"


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
    if _is_number(table) and _is_number(schema):
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
    if _is_number(source) or source == "BOOLEAN":
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
    """Return SQL that is true where the conversion would round, None where it never does."""
    if target != "DOUBLE" or source in {"DOUBLE", "REAL"} | _SMALL_INTEGERS:
        return None
    back = f"TRY_CAST(CAST({expression} AS DOUBLE) AS {source})"
    return f"{back} IS DISTINCT FROM {expression}"


def column_definition(name: str, sql_type: str) -> str:
    """Return a column as CREATE TABLE and ALTER TABLE write it."""
    return f"{quote(name)} {sql_type}"
