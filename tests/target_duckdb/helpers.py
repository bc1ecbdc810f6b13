"""A target run in this process or its own, and a look at what it left."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any, cast

import duckdb

from target_duckdb.target import TargetDuckDB

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

COMMAND = [sys.executable, "-c", "from target_duckdb.target import TargetDuckDB as T; T.cli()"]

Message = Any
"""A message as a dictionary, or a line as text or bytes."""


def schema(
    properties: dict[str, Any],
    keys: Sequence[str] = (),
    stream: str = "items",
    **others: Any,
) -> dict[str, Any]:
    return {
        "type": "SCHEMA",
        "stream": stream,
        "key_properties": list(keys),
        "schema": {"type": "object", "properties": properties, **others},
    }


def record(values: Any, stream: str = "items", **others: Any) -> dict[str, Any]:
    return {"type": "RECORD", "stream": stream, "record": values, **others}


def state(value: Any) -> dict[str, Any]:
    return {"type": "STATE", "value": value}


def activate(version: int, stream: str = "items") -> dict[str, Any]:
    return {"type": "ACTIVATE_VERSION", "stream": stream, "version": version}


def lines(messages: Iterable[Message]) -> bytes:
    """Messages as a tap would write them; text and bytes go through as they are."""
    result = bytearray()
    for message in messages:
        if isinstance(message, bytes):
            result += message
        elif isinstance(message, str):
            result += message.encode()
        else:
            result += json.dumps(message).encode()
        result += b"\n"
    return bytes(result)


def load(path: Path | str, messages: Iterable[Message], **config: Any) -> list[Any]:
    """Run the target over the messages; return the states it passed on."""
    target = TargetDuckDB(config={"path": str(path), **config})
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            target.listen(cast("IO[str]", io.BytesIO(lines(messages))))
    finally:
        target.close()
    return [json.loads(line) for line in output.getvalue().splitlines()]


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


def tables(path: Path) -> list[str]:
    if not path.exists():
        return []
    names = query(path, "SELECT table_schema || '.' || table_name FROM information_schema.tables")
    return sorted(name for (name,) in names)


def types(path: Path, table: str = "items") -> dict[str, str]:
    rows = query(
        path,
        "SELECT column_name, data_type FROM duckdb_columns() "
        f"WHERE table_name = '{table}' ORDER BY column_index",
    )
    return dict(rows)


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def command(
    path: Path, messages: Iterable[Message], **config: Any
) -> subprocess.CompletedProcess[str]:
    """Run the target as a program of its own."""
    settings = path.with_name("config.json")
    settings.write_text(json.dumps({"path": str(path), **config}))
    done = subprocess.run(
        [*COMMAND, "--config", str(settings)],
        input=lines(messages),
        capture_output=True,
        check=False,
    )
    settings.unlink()
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )
