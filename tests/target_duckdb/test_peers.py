"""Message files after the kinds that public targets are tested with, each with its right rows.

`peers/NAME.singer` is what a tap sends. `peers/NAME.json` says what is right:

* `tables`: rows of each table, with all of its columns, in any order. `"*"` is any value but null.
  Times are as DuckDB shows them in UTC. Numbers are compared as numbers, digit by digit.
* `settings`: those of the target, beside `path`.
* `states`: the states that come out; the last one is the last of them.
* `exit`: the exit code, 0 by default; `says`: what the last line of the log has to hold.
* `ignore`: columns that may be there or not; `loose`: columns that are compared as numbers even
  where they are texts.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import duckdb
import pytest

from tests.target_duckdb import forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PEERS = Path(__file__).with_name("peers")
NAMES = sorted(path.stem for path in PEERS.glob("*.singer"))

COLUMNS = """
SELECT schema_name, table_name, column_name, data_type
FROM duckdb_columns() WHERE NOT internal AND database_name = current_database()
ORDER BY table_oid, column_index
"""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def comparable(value: Any, sql_type: str = "") -> Any:
    """A value as JSON has it, with numbers that are equal just where they are the same number."""
    if sql_type == "JSON" and value is not None:
        value = json.loads(value, parse_float=Decimal, parse_int=Decimal)
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return Decimal(repr(value)).normalize() + 0
    if isinstance(value, (int, Decimal)):
        number = Decimal(value)
        return number.normalize() + 0 if len(number.as_tuple().digits) <= 28 else number
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    assert isinstance(value, list), type(value)
    return [comparable(item) for item in value]


def shown(name: str, sql_type: str) -> str:
    """How a column is read: what Python has no plain type for, as text."""
    if sql_type.startswith(("TIME", "DATE", "UUID")):
        return f"{quoted(name)}::VARCHAR"
    return quoted(name)


def content(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables; tables of schema `main` without its name."""
    if not path.exists():
        return {}
    with duckdb.connect(str(path), read_only=True) as connection:
        return content_of(connection)


def content_of(connection: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    """The same for the database that a connection uses."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    connection.execute("SET TimeZone = 'UTC'")
    for schema, table, column, kind in connection.execute(COLUMNS).fetchall():
        found.setdefault((schema, table), []).append((column, kind))
    return {
        table if schema == "main" else f"{schema}.{table}": [
            {
                name: comparable(value, kind)
                for (name, kind), value in zip(columns, row, strict=True)
            }
            for row in connection.execute(
                f"SELECT {', '.join(shown(*column) for column in columns)} "
                f"FROM {quoted(schema)}.{quoted(table)}"
            ).fetchall()
        ]
        for (schema, table), columns in found.items()
    }


def as_number(value: Any) -> Any:
    try:
        return Decimal(value).normalize() + 0
    except (InvalidOperation, TypeError):
        return value


def prepared(
    rows: list[dict[str, Any]], wanted: list[dict[str, Any]], expected: dict[str, Any]
) -> list[str]:
    """Rows as sorted texts, with what is not compared made equal."""
    anything = {name for row in wanted for name, value in row.items() if value == "*"}
    named = {name for row in wanted for name in row}
    result = []
    for row in rows:
        one = dict(row)
        for name in set(expected.get("ignore", ())) - named:
            one.pop(name, None)
        for name in expected.get("loose", ()):
            one[name] = as_number(one[name])
        for name in anything & one.keys():
            one[name] = one[name] if one[name] is None else "*"
        result.append(repr(sorted(one.items())))
    return sorted(result)


@pytest.fixture(scope="module")
def target() -> Iterator[subprocess.Popen[str]]:
    """A process that runs the target in any directory, without importing it anew each time."""
    with subprocess.Popen(
        [sys.executable, "-m", forks.__name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONUTF8": "1"},
    ) as process:
        yield process
        cast("IO[str]", process.stdin).close()


@pytest.mark.parametrize("name", NAMES)
def test_peer(name: str, tmp_path: Path, target: subprocess.Popen[str]) -> None:
    path = tmp_path / "peers.duckdb"
    check(name, tmp_path, target, {"path": str(path)}, lambda: content(path))


def check(
    name: str,
    tmp_path: Path,
    target: subprocess.Popen[str],
    home: dict[str, Any],
    content: Callable[[], dict[str, list[dict[str, Any]]]],
) -> None:
    """Load the messages of a file into a database, and compare all of its rows.

    Args:
        name: Name of the file.
        tmp_path: A folder.
        target: The fixture.
        home: Settings that say where the database is.
        content: Returns all rows of all tables.
    """
    text = (PEERS / f"{name}.json").read_text(encoding="utf-8")
    expected = json.loads(text, parse_float=Decimal)
    config = tmp_path / "config.json"
    settings = json.loads(text).get("settings", {})
    config.write_text(json.dumps({**home, **settings}))
    shutil.copyfile(PEERS / f"{name}.singer", tmp_path / "input")
    for output in ("states", "log"):
        (tmp_path / output).touch()
    print(tmp_path, file=target.stdin, flush=True)
    code = int(cast("IO[str]", target.stdout).readline())
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert code == expected.get("exit", 0), log
    assert "Traceback" not in log
    assert expected.get("says", "") in (log.splitlines() or [""])[-1]
    states = [json.loads(line) for line in (tmp_path / "states").read_bytes().splitlines()]
    if "states" in expected:
        assert states[-1:] == expected["states"][-1:]
    found = content()
    assert sorted(found) == sorted(expected["tables"])
    for table, rows in expected["tables"].items():
        wanted = [{key: comparable(value) for key, value in row.items()} for row in rows]
        assert prepared(found[table], wanted, expected) == prepared(wanted, wanted, expected)


def test_there_are_enough() -> None:
    """Each file of messages has its rows, and each of rows its messages."""
    assert sorted(path.stem for path in PEERS.glob("*.json")) == NAMES
    assert len(NAMES) > 40
