"""How the tests start dbt and look at what it built."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import yaml

from console.reasons import SEPARATOR, Reasons
from tests.warm_dbt import DBT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).parents[2]
# Files that few tests look at and that take a fifth of the time of a command.
WITHOUT_ARTIFACTS = {"DBT_WRITE_JSON": "false", "DBT_LOG_LEVEL_FILE": "none"}
WITH_ARTIFACTS = {"DBT_WRITE_JSON": "true", "DBT_LOG_LEVEL_FILE": "debug"}
RULE_VERSION: str = yaml.safe_load(
    (ROOT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8")
)["vars"]["link_rule_version"]
# dbt takes as long as most tests to parse the project anew, which it does for each set of
# variables: tests that need some share this one, where they can.
VARIABLES = {
    "link_bands_follow": True,
    "link_bands_prior": 50,
    "freshness_warn_hours": 10,
    "freshness_error_hours": 49,
    "link_by_person": False,
    "kizen_companies_from": "companies_company",
}
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
    # What dbt parsed, for all checkouts that are equal: parsing takes longer than most commands.
    parsed: Path
    # What runs the commands, save those that are started and not waited for.
    program: Path

    @classmethod
    def copied_to(cls, checkout: Path, parsed: Path, program: Path) -> Project:
        """Copy the project, without what earlier runs left in it."""
        shutil.copytree(
            ROOT / "dbt_project",
            checkout / "dbt_project",
            ignore=shutil.ignore_patterns("target", "logs", ".user.yml"),
        )
        parsed.mkdir(exist_ok=True)
        return cls(checkout, parsed, program)

    def start(self, database: Path, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start a dbt command in the checkout, as Meltano would."""
        return self._start(DBT, database, *arguments, **env)

    def _start(
        self, program: Path, database: Path, *arguments: str, **env: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(program), "--no-use-colors", *arguments, *FOLDERS],
            cwd=self.checkout,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.checkout),
                "LANG": "C.UTF-8",
                **self.parsed_already(database, *arguments, **env),
                **WITHOUT_ARTIFACTS,
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def parsed_already(self, database: Path, *arguments: str, **env: str) -> dict[str, str]:
        """Return the variables by which a command finds what dbt parsed, where it has."""
        own, shared = self._parsed_files(arguments, env)
        if shared.exists() and not own.exists():
            own.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(shared, own)
        # Relative, since dbt parses the project anew when the profile changes.
        path = os.path.relpath(database, self.checkout)
        return {"DUCKDB_PATH": path, "DBT_TARGET_PATH": str(own.parent)}

    def run(self, database: Path, *arguments: str, **env: str) -> Run:
        """Run a dbt command to its end."""
        with self._start(self.program, database, *arguments, **env) as process:
            output, _ = process.communicate()
        own, shared = self._parsed_files(arguments, env)
        if own.exists() and not shared.exists():
            whole = self.parsed / uuid.uuid4().hex
            shutil.copyfile(own, whole)
            whole.replace(shared)
        return Run(process.returncode, output)

    def _parsed_files(self, arguments: Sequence[str], env: Mapping[str, str]) -> tuple[Path, Path]:
        """Return where dbt writes what it parsed in this checkout, and where all find it.

        Both are one for each set of variables, since dbt parses the project anew when one changes.
        """
        given = arguments[arguments.index("--vars") + 1] if "--vars" in arguments else ""
        key = hashlib.sha256(given.encode()).hexdigest()[:16]
        target = env.get("DBT_TARGET_PATH", self.checkout / "dbt_project" / "target" / key)
        return Path(target) / "partial_parse.msgpack", self.parsed / key


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


def untranslated(reasons: Iterable[str]) -> set[str]:
    """Return the reasons of links that the pages cannot say in French."""
    french = Reasons("fr")
    return {
        each
        for several in reasons
        for each in several.split(SEPARATOR)
        if french.known(each) is None
    }
