"""What of a DuckLake needs no extension: settings, the line that says what is missing, SQL."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from target_duckdb import extensions
from target_duckdb.columns import rounding
from target_duckdb.errors import SettingError, TargetError
from target_duckdb.extensions import MissingError
from target_duckdb.paths import is_file
from target_duckdb.storage import FILE, LAKE
from tests.target_duckdb.helpers import load, record, schema

if TYPE_CHECKING:
    from pathlib import Path

ROWS: list[Any] = [schema({"id": {"type": "integer"}}, ["id"]), record({"id": 1})]


@pytest.mark.parametrize(
    ("path", "data_path", "said"),
    [
        ("ducklake:postgres:host=db password=hunter2", "data", "PGPASSWORD"),
        ("ducklake:postgres:postgresql://elt:hunter2@db/lake", "data", "PGPASSWORD"),
        ("ducklake:postgres:host=db sslpassword=hunter2", "data", "PGPASSWORD"),
        ("ducklake:postgres:dbname=lake", None, "'data_path' is missing"),
        ("ducklake:sqlite:lake.sqlite", "", "'data_path' is missing"),
        ("ducklake:", "data", "names no catalog"),
        ("ducklake:sqlite:", "data", "names no catalog"),
        ("ducklake:mysql:db=lake", "data", "names no catalog"),
        ("ducklake:lake.catalog", "gs://bucket/prefix", "neither a folder nor s3://"),
    ],
)
def test_wrong_settings_of_a_lake(path: str, data_path: str | None, said: str) -> None:
    with pytest.raises(SettingError, match=said) as raised:
        load(path, ROWS, data_path=data_path)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "path",
    [
        "ducklake:postgres:dbname=lake",
        "ducklake:postgres:postgresql://elt@db/lake",
        "ducklake:sqlite:lake",
        "ducklake:C",
    ],
)
def test_right_settings_of_a_lake(path: str) -> None:
    assert extensions.problem(path, "s3://bucket/prefix") is None
    assert not is_file(path)


def test_a_missing_package_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb_extension_ducklake", None)
    with pytest.raises(
        TargetError, match="'duckdb-extension-ducklake', which is not installed: `make lake`"
    ):
        load(f"ducklake:{tmp_path / 'lake'}", ROWS, data_path=str(tmp_path / "data"))
    assert not list(tmp_path.iterdir())


def test_the_key_of_a_bucket() -> None:
    with pytest.raises(MissingError, match="AWS_ACCESS_KEY_ID"):
        extensions.secret({"AWS_SECRET_ACCESS_KEY": "x"})
    given = {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "it's",
        "AWS_DEFAULT_REGION": "eu-west-3",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9000/",
    }
    assert extensions.secret(given) == (
        "CREATE OR REPLACE SECRET lake_bucket (TYPE s3, KEY_ID 'k', SECRET 'it''s', REGION "
        "'eu-west-3', ENDPOINT '127.0.0.1:9000', URL_STYLE 'path', USE_SSL false)"
    )


@pytest.mark.parametrize("storage", [FILE, LAKE])
def test_a_column_gets_another_type(storage: Any) -> None:
    with duckdb.connect() as connection:
        connection.execute('CREATE TABLE t AS SELECT 1 AS id, 7 AS "a \'b"')
        for statement in storage.retype("t", '"a \'b"', "VARCHAR", 'CAST("a \'b" AS VARCHAR)'):
            connection.execute(statement)
        assert connection.execute('SELECT id, "a \'b" FROM t').fetchall() == [(1, "7")]


def test_a_lake_keeps_a_hugeint_as_a_decimal_that_it_fits() -> None:
    assert LAKE.kept_as("HUGEINT") == "DECIMAL(38,0)"
    assert {LAKE.kept_as(kind) for kind in ("BIGINT", "JSON")} == {"BIGINT", "JSON"}
    changes = rounding("n", "HUGEINT", "DECIMAL(38,0)")
    numbers = [10**38 - 1, -(10**38) + 1, 10**38, -(2**127)]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (n HUGEINT)")
        connection.executemany("INSERT INTO t VALUES (?)", [[number] for number in numbers])
        found = connection.execute(f"SELECT n FROM t WHERE {changes} ORDER BY n").fetchall()
    assert found == [(-(2**127),), (10**38,)]
