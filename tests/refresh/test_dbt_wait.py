"""What `dbt-wait` says before there is a dbt: settings of the engine, and what Spark needs."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from refresh import dbt_wait, spark_build


@pytest.mark.parametrize(
    ("engine", "database"), [("sparks", "x.duckdb"), ("spark", "ducklake:sqlite:x")]
)
def test_a_wrong_engine_is_named(
    engine: str,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DUCKDB_ENGINE", engine)
    monkeypatch.setenv("DUCKDB_PATH", database)
    monkeypatch.setattr("sys.argv", ["dbt-wait", "build"])
    assert dbt_wait.main() == 2
    assert capsys.readouterr().err == (
        "dbt-wait: DUCKDB_ENGINE must be duckdb or spark; spark needs a DuckDB file as "
        "DUCKDB_PATH\n"
    )


def test_raw_tables_are_published_for_spark_and_what_it_lacks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema kizen; create table kizen.team as select 1 as id")
        connection.execute("create schema kananas; create table kananas.contacts as select 2 as id")
        connection.execute("create schema marts; create table marts.contacts as select 3 as id")
    monkeypatch.setenv("DUCKDB_ENGINE", "spark")
    monkeypatch.setenv("DUCKDB_PATH", str(database))
    monkeypatch.setenv("DUCKDB_SPARK_DIR", str(tmp_path / "spark"))
    project = Path(__file__).resolve().parents[2] / "dbt_project"
    monkeypatch.setenv("DBT_PROJECT_DIR", str(project))
    monkeypatch.setattr("sys.argv", ["dbt-wait", "build"])
    assert dbt_wait.main() == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == (
        "dbt-wait: dbt has no Spark: `make on-spark` installs requirements/spark.txt over the "
        "environment of dbt"
    )
    published = {path.parent.name for path in (tmp_path / "spark" / "raw").rglob("*.parquet")}
    assert published == {"kananas.contacts", "kizen.team"}


@pytest.mark.parametrize("given", ["", "s3://bucket/prefix"])
def test_the_folder_of_spark_is_one_of_this_machine(given: str) -> None:
    with pytest.raises(spark_build.SparkBuildError, match="DUCKDB_SPARK_DIR must name a folder"):
        spark_build.folders_of({"DUCKDB_SPARK_DIR": given})
