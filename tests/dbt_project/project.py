"""How the tests start dbt and look at what it built."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).parents[2]
DBT = Path(os.environ.get("DBT_EXECUTABLE", ROOT / ".venv-dbt" / "bin" / "dbt"))
FOLDERS = ("--project-dir", "dbt_project", "--profiles-dir", "dbt_project")


@dataclass(frozen=True)
class Run:
    """A finished dbt command: its exit code and all it printed."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class Project:
    """A checkout that holds the dbt project."""

    checkout: Path

    @classmethod
    def copied_to(cls, checkout: Path) -> Project:
        """Copy the project, without what earlier runs left in it."""
        if not DBT.is_file():
            msg = f"no dbt at {DBT}: set DBT_EXECUTABLE"
            raise FileNotFoundError(msg)
        shutil.copytree(
            ROOT / "dbt_project",
            checkout / "dbt_project",
            ignore=shutil.ignore_patterns("target", "logs", ".user.yml"),
        )
        return cls(checkout)

    def start(self, database: Path, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start a dbt command in the checkout, as Meltano would."""
        return subprocess.Popen(
            [str(DBT), "--no-use-colors", *arguments, *FOLDERS],
            cwd=self.checkout,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.checkout),
                "LANG": "C.UTF-8",
                "DUCKDB_PATH": str(database),
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def run(self, database: Path, *arguments: str, **env: str) -> Run:
        """Run a dbt command to its end."""
        with self.start(database, *arguments, **env) as process:
            output, _ = process.communicate()
        return Run(process.returncode, output)


def write(database: Path, *statements: str) -> None:
    """Run statements on a DuckDB file, which is made where it is missing."""
    with duckdb.connect(database) as connection:
        for statement in statements:
            connection.execute(statement)


def read(database: Path, query: str) -> list[tuple[Any, ...]]:
    """Answer a query from a DuckDB file."""
    with duckdb.connect(database, read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(query).fetchall()
