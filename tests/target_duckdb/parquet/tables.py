"""A table with a column of each DuckDB type, for those who read it back."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[3]

#: Type, two values as SQL, and the type in the file where it is another one.
COLUMNS: dict[str, tuple[str, str, str, str | None]] = {
    "a_boolean": ("BOOLEAN", "true", "false", None),
    "a_tinyint": ("TINYINT", "-128", "127", None),
    "a_bigint": ("BIGINT", "-9223372036854775808", "9223372036854775807", None),
    "a_utinyint": ("UTINYINT", "0", "255", None),
    "a_ubigint": ("UBIGINT", "0", "18446744073709551615", None),
    "a_hugeint": (
        "HUGEINT", "-170141183460469231731687303715884105728",
        "170141183460469231731687303715884105727", "VARCHAR",
    ),
    "a_uhugeint": ("UHUGEINT", "0", "340282366920938463463374607431768211455", "VARCHAR"),
    "a_bignum": ("BIGNUM", "'-1'", "repeat('9', 80)", "VARCHAR"),
    "a_float": ("FLOAT", "0.1", "3.4028235e38", None),
    "a_double": ("DOUBLE", "0.1", "'-0.0'", None),
    "a_decimal": ("DECIMAL(9,2)", "-1.25", "9999999.99", None),
    "a_wide_decimal": ("DECIMAL(38,10)", "1.5", "9999999999999999999999999999.9999999999", None),
    "a_varchar": ("VARCHAR", "''", "'é ''quoted'' 🎉'", None),
    "a_blob": ("BLOB", "'\\x00\\xFF'", "''", None),
    "a_json": ("JSON", "'{\"a\": [1, null]}'", "'null'", "VARCHAR"),
    "a_date": ("DATE", "'0001-01-01'", "'9999-12-31'", None),
    "a_time": ("TIME", "'00:00:00.000001'", "'23:59:59.999999'", "VARCHAR"),
    "a_timetz": ("TIMETZ", "'12:00:00+05:30'", "'12:00:00-08'", "VARCHAR"),
    "a_timestamp": ("TIMESTAMP", "'1969-12-31 23:59:59.999999'", "'2200-01-01'", None),
    "a_timestamp_s": ("TIMESTAMP_S", "'2026-01-01 00:00:01'", "'1900-01-01'", "TIMESTAMP"),
    "a_timestamp_ms": ("TIMESTAMP_MS", "'2026-01-01 00:00:01.001'", "'1900-01-01'", "TIMESTAMP"),
    "a_timestamp_ns": (
        "TIMESTAMP_NS", "'2026-01-01 00:00:00.000000001'", "'2020-01-01'", "VARCHAR",
    ),
    "a_timestamptz": ("TIMESTAMPTZ", "'2026-03-29 02:30:00+02'", "'1900-01-01 00:00:00+00'", None),
    "an_interval": ("INTERVAL", "'1 month -2 days 00:00:00.000001'", "'30 days'", "VARCHAR"),
    "a_uuid": ("UUID", "'00000000-0000-0000-0000-000000000001'", "uuid()", "VARCHAR"),
    "an_enum": ("ENUM('low', 'high')", "'low'", "'high'", "VARCHAR"),
    "a_bit": ("BIT", "'0101'", "'1'", "VARCHAR"),
    "a_list": ("INTEGER[]", "[1, NULL]", "[]", None),
    "an_array": ("INTEGER[2]", "[1, NULL]", "[3, 4]", "INTEGER[]"),
    "a_struct": (
        'STRUCT(a HUGEINT, "b c" UUID[])', "{'a': 5, 'b c': [uuid()]}", "{'a': NULL, 'b c': []}",
        'STRUCT(a VARCHAR, "b c" VARCHAR[])',
    ),
    "a_map": (
        "MAP(VARCHAR, INTERVAL)", "MAP {'a': INTERVAL '1 month'}", "MAP {}",
        "MAP(VARCHAR, VARCHAR)",
    ),
    "a_union": (
        "UNION(number INTEGER, word VARCHAR)", "union_value(number := 1)",
        "union_value(word := '1')", "STRUCT(tag VARCHAR, number INTEGER, word VARCHAR)",
    ),
    'Odd "name", of; (people)': ("INTEGER", "1", "2", None),
}  # fmt: skip


def make_types(path: Path) -> None:
    """Write a database with the tables of the examples of docs/open-files.md.

    `marts.all_types` has two rows of values and one of nulls, `marts.contacts` has a thousand rows.
    """
    with duckdb.connect(str(path)) as connection:
        columns = ", ".join(
            '"' + name.replace('"', '""') + f'" {of}' for name, (of, *_) in COLUMNS.items()
        )
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA marts")
        connection.execute(f"CREATE TABLE marts.all_types ({columns})")
        for row in (1, 2):
            values = ", ".join(str(column[row]) for column in COLUMNS.values())
            connection.execute(f"INSERT INTO marts.all_types SELECT {values}")
        nulls = ", ".join(["NULL"] * len(COLUMNS))
        connection.execute(f"INSERT INTO marts.all_types VALUES ({nulls})")
        connection.execute("CREATE TABLE marts.contacts AS FROM range(1000) t(contact_id)")


def example(name: str, place: str) -> str:
    """Return an example of docs/open-files.md, as it reads from a place."""
    page = (ROOT / "docs" / "open-files.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"<!-- {name} -->\n```\w+\n(.*?)```", page, re.DOTALL)
    return str(code).replace("s3://bucket/prefix", place).replace("/a/folder", place)
