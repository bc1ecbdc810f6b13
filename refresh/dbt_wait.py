"""`dbt-wait`: dbt with the account's own variables, once no other program holds the DuckDB file.

dbt itself would wait in silence, several times over, and end in a traceback. This program waits so
long as `lock_timeout` of the loader, says for whom, and lets dbt take its place while it holds the
file's lock: nobody else can open it in between.

Before a whole `build` it looks at all inputs, for the mark that the build leaves. With the option
`--changes-only` of its own, what has not changed since the last mark is not built anew. Nobody
holds a lake: what changes while dbt builds in it is not in the mark, and is built by the next run.

Where DUCKDB_ENGINE is `spark`, a whole `build` is made there; dbt takes the tables into the file.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from refresh import build, spark_build
from refresh.dbt_vars import VarsError, read
from refresh.spark_build import SparkBuildError
from refresh.warehouse import WarehouseError, is_file, opened, wait
from target_duckdb.extensions import MissingError, is_lake

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SECONDS = 60.0
CHANGES_ONLY = "--changes-only"
SPARK = "spark"
ENGINES = ("duckdb", SPARK)
#: Bytes; Linux takes 128 KiB.
_LARGEST_VARIABLE = 120_000
#: A build after which all tables are as the inputs have it.
_WHOLE = (["build"], ["build", "--exclude-resource-type", "unit_test"])
#: Commands of dbt that open no database.
_WITHOUT_FILE = {"clean", "deps", "init", "list", "ls", "parse"}
#: Beginnings of names: of all that Meltano hands over, and of each setting of a plugin.
_OF_MELTANO, _SETTING_OF_MELTANO = "MELTANO_", "MELTANO_UTILIZE_"
#: Variables of dbt's own that are settings, too.
_OF_DBT = {"DBT_PROJECT_DIR", "DBT_PROFILES_DIR"}
#: Options before a command that have a value of their own.
_WITH_VALUE = {"--profiles-dir", "--project-dir", "--target", "-t", "--profile", "--log-level"}


class SettingError(Exception):
    """A setting is wrong; the message names it."""


def _command(arguments: list[str]) -> str:
    """Return dbt's command; empty where there is none."""
    previous = ""
    for argument in arguments:
        if not argument.startswith("-") and previous not in _WITH_VALUE:
            return argument
        previous = argument
    return ""


def _needs_file(arguments: list[str]) -> bool:
    command = _command(arguments)
    is_served = command == "docs" and "serve" in arguments
    return (
        bool(command)
        and command not in _WITHOUT_FILE
        and not is_served
        and not {"--help", "-h", "--version"} & {*arguments}
    )


def _own_variables(arguments: list[str]) -> dict[str, Any]:
    """Return the account's own variables; none for a command that has its own.

    Raises:
        VarsError: One of them is wrong.
    """
    path, project = os.environ.get("DUCKDB_VARS_PATH"), os.environ.get("DBT_PROJECT_DIR")
    is_given = any(each == "--vars" or each.startswith("--vars=") for each in arguments)
    if not path or not project or is_given or not _command(arguments):
        return {}
    return read(Path(path), Path(project))


@dataclass(frozen=True)
class _Settings:
    """What is told by variables of the environment."""

    database: str
    engine: str
    seconds: float
    days: float


def _settings() -> _Settings:
    """Return the settings.

    Raises:
        SettingError: One is wrong.
    """
    database = os.environ.get("DUCKDB_PATH", "")
    engine = os.environ.get("DUCKDB_ENGINE") or ENGINES[0]
    try:
        seconds = _seconds_of(os.environ.get("DUCKDB_LOCK_TIMEOUT") or DEFAULT_SECONDS)
        days = build.days_of()
    except ValueError:
        message = "DUCKDB_LOCK_TIMEOUT and DUCKDB_REBUILD_DAYS must be numbers from 0 on"
        raise SettingError(message) from None
    if engine not in ENGINES or (engine == SPARK and not is_file(database)):
        message = "DUCKDB_ENGINE must be duckdb or spark; spark needs a DuckDB file as DUCKDB_PATH"
        raise SettingError(message)
    return _Settings(database, engine, seconds, days)


def _seconds_of(given: str | float) -> float:
    """Return how long to wait.

    Raises:
        ValueError: It is no number, or without end.
    """
    seconds = float(given)
    if not 0 <= seconds < float("inf"):
        raise ValueError
    return seconds


def _decide(settings: _Settings, variables: Mapping[str, Any], *, changes_only: bool) -> build.Plan:
    """Return what to build of everything; the file is held again when this returns.

    Where nothing has to be built, what time changes has been done.

    Raises:
        WarehouseError: The file stays held.
    """
    database = settings.database
    project = Path(os.environ["DBT_PROJECT_DIR"])
    places = build.Places(
        project, Path(os.environ.get("DBT_PROFILES_DIR") or project), variables, os.environ
    )
    while True:
        with opened(database, os.environ) as connection:
            connection.execute("set TimeZone = 'UTC'")
            plan = build.plan(connection, places, settings.days)
            if not changes_only:
                plan = build.Plan(build.EVERYTHING, "as asked for", plan.inputs)
            if plan.what == build.NOTHING:
                try:
                    tests = build.repeat(connection)
                except build.RepeatError as error:
                    plan = build.Plan(build.EVERYTHING, str(error), plan.inputs)
                else:
                    _say(f"{plan}; tests of what time changes that passed: {tests}")
                    return plan
        if is_lake(database):
            return plan
        # DuckDB has let go of the file: what it holds may be that of another program by now.
        seen = _state(database)
        _hold(database, settings.seconds)
        if _state(database) == seen:
            return plan


def _hold(database: str, seconds: float) -> None:
    """Wait for the file, and keep others from it for as long as this process lives.

    Raises:
        WarehouseError: The file stays held.
    """
    os.set_inheritable(wait(database, seconds, _say), True)  # noqa: FBT003


def _build_on_spark(settings: _Settings, own: list[str], dbt: Path) -> None:
    """Build on Spark; the file is held again when this returns.

    While Spark builds, others may open the file: it has read what it needs.

    Raises:
        SparkBuildError: Spark did not build.
        WarehouseError: The file stays held.
    """
    folders = spark_build.folders_of(os.environ)
    spark_build.publish_raw_tables(settings.database, folders, _say)
    _say("Building on Spark")
    spark_build.build(dbt, own, folders, os.environ)
    _hold(settings.database, settings.seconds)
    os.environ["DUCKDB_TABLES_FROM"] = str(folders.tables)
    _say("Taking the tables that Spark has built")


def _drop_names_of_meltano() -> None:
    """Drop the names of settings that nothing here reads: DBT_ENGINE and MELTANO_UTILIZE_ENGINE.

    dbt looks for secrets in all variables at each line that it says, and warns of DBT_ENGINE.
    """
    for name in [name for name in os.environ if name.startswith(_OF_MELTANO)]:
        del os.environ[name]
        again = f"DBT_{name.removeprefix(_SETTING_OF_MELTANO)}"
        if name.startswith(_SETTING_OF_MELTANO) and again not in _OF_DBT:
            os.environ.pop(again, None)


def _state(database: str) -> tuple[int, int, int]:
    found = Path(database).expanduser().stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _hand_over(plan: build.Plan) -> None:
    """Let dbt leave a mark; where there are too many inputs for a variable it leaves none."""
    inputs = json.dumps(plan.inputs)
    if len(inputs) <= _LARGEST_VARIABLE:
        os.environ["DUCKDB_BUILD_INPUTS"] = inputs
        os.environ["DUCKDB_BUILD_WHOLE_AT"] = plan.whole_at


def _prepare(arguments: list[str], dbt: Path, *, changes_only: bool) -> list[str] | None:
    """Do what comes before dbt; return the arguments it has, None where it has nothing to do.

    Raises:
        SettingError, VarsError: A setting or variable is wrong.
        WarehouseError, MissingError, SparkBuildError, duckdb.Error: It cannot be done.
    """
    settings = _settings()
    database = settings.database
    if is_file(database) and _needs_file(arguments):
        _hold(database, settings.seconds)
    variables = _own_variables(arguments)
    own = ["--vars", json.dumps(variables)] if variables else []
    is_whole = arguments in _WHOLE and "DBT_PROJECT_DIR" in os.environ
    if not is_whole or not (is_file(database) or is_lake(database)):
        return [*arguments, *own]
    plan = _decide(settings, variables, changes_only=changes_only)
    if plan.what == build.NOTHING:
        return None
    if settings.engine == SPARK:
        # It keeps no tables to build a part of.
        plan = build.Plan(build.EVERYTHING, plan.why, plan.inputs)
    _say(str(plan))
    _hand_over(plan)
    if settings.engine == SPARK:
        _build_on_spark(settings, own, dbt)
    return [*arguments, *(["--select", *plan.select] if plan.select else []), *own]


def main() -> int:
    """Wait, and become dbt.

    Returns:
        1 where the file is missing or stays held, 2 where a setting is wrong; else dbt's own.
    """
    _drop_names_of_meltano()
    given = [each for each in sys.argv[1:] if each != CHANGES_ONLY]
    dbt = Path(sys.executable).with_name("dbt")
    try:
        arguments = _prepare(given, dbt, changes_only=CHANGES_ONLY in sys.argv[1:])
    except (SettingError, VarsError) as error:
        _say(str(error))
        return 2
    except (MissingError, SparkBuildError, WarehouseError) as error:
        _say(str(error))
        return 1
    except duckdb.Error as error:
        database = os.environ.get("DUCKDB_PATH", "")
        _say(f"cannot read {database}: {str(error).partition(chr(10))[0]}")
        return 1
    if arguments is None:
        return 0
    started = [sys.executable, "-m", "refresh.dbt_program", *arguments]
    return os.execv(sys.executable, started)  # noqa: S606 - the Python of this environment


def _say(line: str) -> None:
    sys.stderr.write(f"dbt-wait: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
