"""`dbt-wait`: dbt with the account's own variables, once no other program holds the DuckDB file.

dbt itself would wait in silence, several times over, and end in a traceback. This program waits so
long as `lock_timeout` of the loader, says for whom, and lets dbt take its place while it holds the
file's lock: nobody else can open it in between.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from refresh.dbt_vars import VarsError, read
from refresh.warehouse import WarehouseError, is_file, wait

DEFAULT_SECONDS = 60.0
#: Commands of dbt that open no database.
_WITHOUT_FILE = {"clean", "deps", "init", "list", "ls", "parse"}
#: Options before a command that have a value of their own.
_WITH_VALUE = {"--profiles-dir", "--project-dir", "--target", "-t", "--profile", "--log-level"}


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


def _own_variables(arguments: list[str]) -> list[str]:
    """Return the account's own variables as an option; a command that has its own needs none.

    Raises:
        VarsError: One of them is wrong.
    """
    path, project = os.environ.get("DUCKDB_VARS_PATH"), os.environ.get("DBT_PROJECT_DIR")
    is_given = any(each == "--vars" or each.startswith("--vars=") for each in arguments)
    if not path or not project or is_given or not _command(arguments):
        return []
    own = read(Path(path), Path(project))
    return ["--vars", json.dumps(own)] if own else []


def main() -> int:
    """Wait, and become dbt.

    Returns:
        1 where the file is missing or stays held, 2 where a setting is wrong; else dbt's own.
    """
    arguments = sys.argv[1:]
    database = os.environ.get("DUCKDB_PATH", "")
    if is_file(database) and _needs_file(arguments):
        try:
            seconds = float(os.environ.get("DUCKDB_LOCK_TIMEOUT") or DEFAULT_SECONDS)
        except ValueError:
            _say("DUCKDB_LOCK_TIMEOUT must be a number of seconds")
            return 2
        try:
            os.set_inheritable(wait(database, seconds, _say), True)  # noqa: FBT003
        except WarehouseError as error:
            _say(str(error))
            return 1
    try:
        own = _own_variables(arguments)
    except VarsError as error:
        _say(str(error))
        return 2
    dbt = Path(sys.executable).with_name("dbt")
    return os.execv(dbt, [str(dbt), *arguments, *own])  # noqa: S606 - the program of this environment


def _say(line: str) -> None:
    sys.stderr.write(f"dbt-wait: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
