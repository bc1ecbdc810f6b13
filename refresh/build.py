"""What a build has to make anew: nothing, a part, or everything.

After each build dbt leaves a mark in the DuckDB file (`macros/build_mark.sql`): a fingerprint of
each input, and what has to be repeated where none has changed. The mark goes before anything is
built, so a build that failed or was killed leaves none.

Inputs are all tables that the project does not make, the files that dbt reads, the project itself,
its variables, and the versions of the programs. What is not sure to be the same counts as changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import yaml

from target_duckdb.names import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOTHING, PART, EVERYTHING = "nothing", "part", "everything"
#: Days after which everything is built, whether an input has changed or not.
DEFAULT_DAYS = 7.0
#: The schemas that dbt makes; the macro `made_schemas` has the same.
MADE_SCHEMAS = ("build_mark", "history", "intermediate", "marts", "seeds", "staging")
#: Columns of loaders that no model reads, but for `marts.freshness`, which is a view.
METADATA = {
    "_sdc_extracted_at", "_sdc_received_at", "_sdc_batched_at", "_sdc_deleted_at",
    "_sdc_sequence", "_sdc_table_version", "_sdc_sync_started_at",
    "_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id",
}  # fmt: skip
#: The files that dbt reads, and the tag of the models that read them.
FILES = {"decisions": "reads_decisions", "samples": "reads_samples", "weights": "reads_weights"}
#: The tag of the models that each build makes anew.
EACH_BUILD = "each_build"

_LEFT_BY_DBT = {"target", "logs", "__pycache__", ".user.yml"}
_OF_NO_TABLE = {"DBT_TARGET_PATH", "DBT_LOG_PATH", "DBT_PROJECT_DIR", "DBT_PROFILES_DIR"}
_FORMAT = "1"
#: Of a fingerprint: all of them together are handed to dbt in a variable of the environment.
_DIGITS = 32

_TABLES = """
select schema_name, table_name from duckdb_tables()
where database_name = current_database() and not internal and not list_contains($1, schema_name)
    and not starts_with(table_name, '_airbyte_')
union all
select schema_name, view_name from duckdb_views()
where database_name = current_database() and not internal and not list_contains($1, schema_name)
order by all
"""
_COLUMNS = """
select column_name, data_type from duckdb_columns()
where database_name = current_database() and schema_name = ? and table_name = ?
order by column_index
"""
_RELATIONS = """
select schema_name, table_name from (
    select schema_name, table_name from duckdb_tables() where database_name = current_database()
    union all
    select schema_name, view_name from duckdb_views()
    where database_name = current_database() and not internal
)
"""
_GONE = f"select * from build_mark.relations except ({_RELATIONS})"  # noqa: S608 - ours alone
_MARK = """
select epoch_us(built_at), epoch_us(whole_at) from build_mark.build
"""


class RepeatError(Exception):
    """What has to be repeated did not work; the message names it."""


@dataclass(frozen=True)
class Places:
    """Where the inputs are.

    Attributes:
        project: The folder of the dbt project.
        profiles: The folder of its profile.
        variables: The account's own variables.
        environment: The variables of the environment.
    """

    project: Path
    profiles: Path
    variables: Mapping[str, Any]
    environment: Mapping[str, str]

    def file(self, name: str) -> Path | None:
        """Return the path of one of `FILES`; None where nothing names it."""
        variable = "link_levels" if name == "weights" else "decisions"
        given = self.variables.get(f"{variable}_path")
        text = given or self.environment.get(f"DUCKDB_{variable.upper()}_PATH", "")
        if not text:
            return None
        path = Path(text)
        return path.with_name("audits.jsonl") if name == "samples" else path


@dataclass(frozen=True)
class Plan:
    """What a build has to make anew.

    Attributes:
        what: `NOTHING`, `PART` or `EVERYTHING`.
        why: For people.
        select: What dbt is told to select, for a part.
        inputs: The fingerprint of each input.
        whole_at: When everything was built last, ISO 8601; empty where it is built now.
    """

    what: str
    why: str
    inputs: Mapping[str, str]
    select: tuple[str, ...] = ()
    whole_at: str = ""

    def __str__(self) -> str:
        """Return the line that says so."""
        return {
            NOTHING: f"Nothing is built: {self.why}",
            PART: f"A part is built: {self.why}",
            EVERYTHING: f"Everything is built: {self.why}",
        }[self.what]


def inputs(connection: duckdb.DuckDBPyConnection, places: Places) -> dict[str, str]:
    """Return the fingerprint of each input by its name."""
    found = {
        "programs": _hash(_FORMAT, *_programs()),
        "project": _hash(
            *_of_folder(places.project, places.environment),
            *_of_folder(places.profiles, places.environment),
        ),
        "variables": _hash(json.dumps(places.variables, sort_keys=True)),
        "environment": _hash(*_of_environment(connection, places.environment)),
    }
    for name in FILES:
        path = places.file(name)
        content = _content(path) if path else b""
        found[f"file {name}"] = hashlib.sha256(content).hexdigest()[:_DIGITS] if content else ""
    words = json.dumps(places.variables)
    with_metadata = "_sdc_" in words or "_airbyte_" in words
    for schema, table in connection.execute(_TABLES, [list(MADE_SCHEMAS)]).fetchall():
        found[f"table {schema}.{table}"] = _of_table(
            connection, schema, table, with_metadata=with_metadata
        )
    return found


def _programs() -> list[str]:
    """Return all that is installed beside DuckDB, dbt among it, with its version."""
    return sorted(path.name for path in Path(duckdb.__file__).parents[1].glob("*.dist-info"))


def _of_folder(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    written = {
        (folder / environment[name]).resolve()
        for name in ("DBT_TARGET_PATH", "DBT_LOG_PATH")
        if environment.get(name)
    }
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        is_written = _LEFT_BY_DBT.intersection(place.parts) or written.intersection(
            path.resolve().parents
        )
        if path.is_file() and not is_written:
            yield f"{place} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _of_environment(
    connection: duckdb.DuckDBPyConnection, environment: Mapping[str, str]
) -> Iterator[str]:
    # A view names the database by the name of its file.
    (name,) = connection.execute("select current_database()").fetchall()[0]
    yield f"database {name}"
    yield f"runs {environment.get('DUCKDB_RUNS_PATH', '')}"
    for key in sorted(environment):
        if key.startswith("DBT_") and key not in _OF_NO_TABLE:
            yield f"{key}={environment[key]}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _of_table(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, *, with_metadata: bool
) -> str:
    """Return the fingerprint of the rows that the service has, in whatever order they lie."""
    columns = connection.execute(_COLUMNS, [schema, table]).fetchall()
    names = [name for name, _ in columns if with_metadata or name not in METADATA]
    live = "where _sdc_deleted_at is null" if ("_sdc_deleted_at" in dict(columns)) else ""
    shape = _hash(*(f"{name} {kind}" for name, kind in columns))
    quoted = [quote(name) for name in names] or ["1"]
    # Two sums of 64 bits and more, of two different hashes of a row.
    rows = connection.execute(
        f"select count(*), coalesce(sum(hash({', '.join(quoted)})), 0), "  # noqa: S608 - quoted
        f"coalesce(bit_xor(hash({', '.join(reversed(quoted))}, 1)), 0) "
        f"from {quote(schema)}.{quote(table)} {live}"
    ).fetchall()
    return _hash(shape, *map(str, rows[0]))


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode(errors="surrogateescape")).hexdigest()[:_DIGITS]


def plan(
    connection: duckdb.DuckDBPyConnection, places: Places, days: float, now: datetime | None = None
) -> Plan:
    """Return what has to be built.

    Args:
        connection: The DuckDB file.
        places: Where the inputs are.
        days: How old the last build of everything may be.
        now: The time; by default that of the clock.
    """
    found = inputs(connection, places)
    now = now or datetime.now(timezone.utc)
    try:
        ((built, whole),) = connection.execute(_MARK).fetchall()
        before = dict(connection.execute("select * from build_mark.inputs").fetchall())
        gone = connection.execute(_GONE).fetchall()
    except (duckdb.Error, ValueError):
        return Plan(EVERYTHING, "there is no mark of a build that came to its end", found)
    if gone:
        return Plan(EVERYTHING, f"{'.'.join(gone[0])} is missing", found)
    built_at, whole_at = (datetime.fromtimestamp(us / 1e6, timezone.utc) for us in (built, whole))
    if not timedelta() <= now - whole_at < timedelta(days=days):
        return Plan(EVERYTHING, f"the last time was {_said(whole_at)}", found)
    changed = sorted(name for name in {*before, *found} if before.get(name) != found.get(name))
    if not changed:
        why = f"no input has changed since the build of {_said(built_at)}"
        return Plan(NOTHING, why, found, whole_at=whole_at.isoformat())
    select = _selected(changed, places.project)
    if not select:
        return Plan(EVERYTHING, f"changed: {', '.join(changed)}", found)
    why = (
        f"what depends on {', '.join(each.partition(' ')[2] for each in changed)}; "
        f"nothing else has changed since the build of {_said(built_at)}"
    )
    return Plan(PART, why, found, select, whole_at.isoformat())


def _said(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _selected(changed: list[str], project: Path) -> tuple[str, ...]:
    """Return what dbt is to select; nothing where only everything will do."""
    declared = _declared(project)
    found = {f"tag:{EACH_BUILD}+"}
    for each in changed:
        kind, _, name = each.partition(" ")
        schema, _, table = name.partition(".")
        if kind == "file":
            found.add(f"tag:{FILES[name]}+")
        elif kind == "table" and table in declared.get(schema, ()):
            found.add(f"source:{schema}.{table}+")
        elif kind == "table" and schema in declared:
            # Models find it by what other tables of the source say.
            found.add(f"source:{schema}+")
        else:
            return ()
    return tuple(sorted(found))


def _declared(project: Path) -> dict[str, set[str]]:
    """Return the tables of each source that dbt knows of."""
    found: dict[str, set[str]] = {}
    for path in project.glob("models/**/*sources.yml"):
        for source in yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]:
            found.setdefault(source["schema"], set()).update(
                table["name"] for table in source["tables"]
            )
    return found


def repeat(connection: duckdb.DuckDBPyConnection) -> int:
    """Do what has to be done though nothing is built: what time itself changes, with its tests.

    Returns:
        How many tests passed.

    Raises:
        RepeatError: A test failed, or a statement did not work; then nothing is changed.
    """
    todo = connection.execute(
        "select kind, name, code from build_mark.repeats order by place"
    ).fetchall()
    connection.execute("begin")
    try:
        tests = [_repeat(connection, *each) for each in todo]
    except (duckdb.Error, RepeatError) as error:
        connection.execute("rollback")
        message = str(error).partition("\n")[0]
        raise RepeatError(message) from None
    connection.execute("commit")
    return sum(tests)


def _repeat(connection: duckdb.DuckDBPyConnection, kind: str, name: str, code: str) -> bool:
    """Run a statement or a test; return whether it was a test."""
    if kind != "test":
        connection.execute(code)
        return False
    ((failed,),) = connection.execute(f"select count(*) from ({code}\n)").fetchall()  # noqa: S608
    if failed:
        message = f"{name} found {failed} rows"
        raise RepeatError(message)
    return True


def days_of(environment: Mapping[str, str] = os.environ) -> float:
    """Return `DUCKDB_REBUILD_DAYS`.

    Raises:
        ValueError: It is no number of days.
    """
    days = float(environment.get("DUCKDB_REBUILD_DAYS") or DEFAULT_DAYS)
    if not 0 <= days <= timedelta.max.days:
        raise ValueError
    return days
