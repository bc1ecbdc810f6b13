"""What is wrong in the files that are an account's own, with the line.

Meltano ignores in silence a variable that it does not know, and a schedule, job or plugin of a name
that `meltano.yml` has already.
"""

from __future__ import annotations

import ast
import json
import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from pwd import getpwuid
from typing import TYPE_CHECKING, Any

from dotenv.parser import parse_stream

from console.settings import meltano_project
from refresh.dbt_vars import VarsError
from refresh.dbt_vars import read as read_vars
from refresh.settings import VARIABLES, SettingError
from refresh.yaml_file import YamlError, YamlFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    #: Where it is, as keys and places in lists, and what is wrong.
    Problem = tuple[tuple[str | int, ...], str]

OWN_MELTANO = Path("config", "meltano.yml")
OWN_VARS = Path("config", "vars.yml")

#: What of a file that `meltano.yml` includes counts beside it.
_ENVIRONMENTS, _PLUGINS = "environments", "plugins"
_SECTIONS = (_ENVIRONMENTS, "jobs", _PLUGINS, "schedules")
_ENV = "env"
#: Meltano's own settings of a plugin, by kind of value.
_EXTRAS = {
    "select": "array", "select_filter": "array", "metadata": "object", "schema": "object",
    "catalog": "string", "state": "string", "load_schema": "string", "dialect": "string",
    "use_cached_catalog": "boolean", "target_schema": "string",
}  # fmt: skip
#: A property of a stream, as in TAP_KIZEN__METADATA_COMPANIES_….
_NESTED = re.compile(r"__(METADATA|SCHEMA)_")
#: Of Dagster and Airflow, and of what `make` takes.
_OTHERS = {"REFRESH_CRON": "string", "REFRESH_RETRIES": "integer"}
_BELONG_INTO_ENV_FILE = ("DUCKDB_", "MELTANO_", "PARQUET_", "REFRESH_", "REPORT_")
_NEAR = 0.9
_REFERENCE = re.compile(r"\$(\w+|\{\w+\})")


@dataclass(frozen=True)
class Known:
    """The variables that count.

    Attributes:
        kinds: The kind of value of each, as Meltano has it.
        prefixes: How those of one plugin begin.
    """

    kinds: Mapping[str, str]
    prefixes: tuple[str, ...]

    @classmethod
    def of(cls, project: Mapping[str, Any]) -> Known:
        """Return those of a `meltano.yml`, and of `refresh`."""
        kinds, prefixes = dict.fromkeys(VARIABLES, "string") | _OTHERS, ["REFRESH_"]
        for kind, plugins in project["plugins"].items():
            for plugin in plugins:
                name = _variable(plugin["name"])
                if kind in {"extractors", "loaders"}:
                    prefixes.append(f"{name}_")
                    kinds |= {f"{name}__{extra.upper()}": of for extra, of in _EXTRAS.items()}
                for setting in plugin.get("settings", []):
                    of = setting.get("kind", "string")
                    for prefix in (name, _variable(plugin["namespace"])):
                        kinds[f"{prefix}_{_variable(setting['name'])}"] = of
                    if "env" in setting:
                        kinds[setting["env"]] = of
        return cls(kinds, tuple(prefixes))

    def problem(self, name: str) -> str | None:
        """Return what is wrong with the name of a variable; None where nothing is."""
        if name in self.kinds or _NESTED.search(name):
            return None
        # Names are in capitals.
        meant = name.upper()
        near = get_close_matches(meant, self.kinds, n=1, cutoff=_NEAR)
        if not near and not meant.startswith(self.prefixes):
            return None
        near = near or get_close_matches(meant, self.kinds, n=1)
        return f"there is no setting {name}{f': did you mean {near[0]}?' if near else ''}"


def wrong(project: Path, variables: Mapping[str, str]) -> list[str]:
    """Return what is wrong in `config/`: a line for each thing, with file and line; and numbers.

    A number that Meltano cannot read ends each step that needs it in words that name no setting.
    """
    return [*_of_meltano(project), *_of_vars(project, variables), *_numbers(project, variables)]


def require_environment(project: Path, name: str) -> None:
    """Do nothing where Meltano has an environment of this name.

    Raises:
        SettingError: It has none.
    """
    try:
        file = YamlFile.read(project / OWN_MELTANO)
    except YamlError:
        # It has a line of its own.
        return
    own = file.value if file is not None and isinstance(file.value, dict) else {}
    known = {
        str(given)
        for content in (_tracked(project), own)
        for place, given in _named(content)
        if place[0] == _ENVIRONMENTS
    }
    if known and name not in known:
        message = f"there is no environment {name}{_meant(name, known)}"
        raise SettingError(message)


def doubtful(project: Path) -> list[str]:
    """Return the lines of `.env` that count for nothing, or not as they seem to."""
    path = project / ".env"
    if not path.is_file():
        return []
    known = Known.of(_tracked(project))
    found, lines = [], dict[str, int]()
    with path.open(encoding="utf-8") as stream:
        for binding in parse_stream(stream):
            # Empty lines before it are its own, for this parser.
            text = binding.original.string
            line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
            if binding.error:
                found.append(f".env, line {binding.original.line}: it is no NAME=value")
            elif binding.key and (problem := known.problem(binding.key)):
                found.append(f".env, line {line}: {problem}")
            elif binding.key and binding.key in known.kinds:
                if binding.key in lines:
                    found.append(
                        f".env, line {line}: {binding.key} is there twice: line "
                        f"{lines[binding.key]} does not count"
                    )
                lines[binding.key] = line
    return found


def open_to_others(project: Path) -> list[str]:
    """Return what to do where others of this machine can read or write `.env`."""
    path = project / ".env"
    if not path.is_file() or not path.stat().st_mode & 0o077:
        return []
    return [".env holds keys, and others of this machine can read it: chmod 600 .env"]


def of_another(folder: Path) -> list[str]:
    """Return what to do where root runs in the folder of a user who cannot read what root writes.

    Args:
        folder: Where what happened is written down; it need not exist yet.
    """
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    owner = there.stat().st_uid
    if os.geteuid() != 0 or owner == 0:
        return []
    try:
        name = getpwuid(owner).pw_name
    except KeyError:
        name = f"#{owner}"
    problem = f"root runs this, but {there} is of {name}, who cannot read what root writes"
    return [f"{problem}: sudo -u {name}"]


def missing(project: Path, sources: Iterable[str], variables: Mapping[str, str]) -> list[str]:
    """Return the settings without which a source cannot be read, and which have no value.

    Args:
        project: The folder of the project.
        sources: Those that are read.
        variables: All variables, those of `.env` too.
    """
    try:
        file = YamlFile.read(project / OWN_MELTANO)
    except YamlError:
        # It has a line of its own.
        return []
    own = file.value.get(_ENV) if file is not None and isinstance(file.value, dict) else None
    given = {**variables, **(own if isinstance(own, dict) else {})}
    found = []
    for plugin in _tracked(project)["plugins"].get("extractors", []):
        if plugin["namespace"] in sources:
            # One of the groups must be whole.
            groups = plugin.get("settings_group_validation", [])
            lacking = [
                [each for each in group if not _value(plugin, each, given)] for group in groups
            ]
            found += [
                f"{_variable(plugin['name'])}_{_variable(each)} has no value: "
                f"{plugin['name']} needs it"
                for each in min(lacking, key=len, default=[])
            ]
    return found


def _value(plugin: Mapping[str, Any], setting: str, given: Mapping[str, Any]) -> object:
    """Return the value of a setting of a plugin, where it has one."""
    names = (f"{_variable(plugin[of])}_{_variable(setting)}" for of in ("name", "namespace"))
    values = [given.get(name) for name in names]
    return next(filter(None, values), (plugin.get("config") or {}).get(setting))


def _numbers(project: Path, variables: Mapping[str, str]) -> list[str]:
    """Return which variables are no whole numbers, though they must be."""
    found = []
    for name, kind in Known.of(_tracked(project)).kinds.items():
        text = variables.get(name, "")
        if kind == "integer" and text:
            try:
                int(text)
            except ValueError:
                found.append(f"{name} must be {_WORDS[kind]}")
    return found


def _tracked(project: Path) -> dict[str, Any]:
    found = meltano_project(project.absolute() / "meltano.yml")
    return {**found, "plugins": found.get("plugins") or {}}


def _of_vars(project: Path, variables: Mapping[str, str]) -> list[str]:
    path = Path(variables.get("DUCKDB_VARS_PATH") or OWN_VARS)
    if not (project / "dbt_project" / "dbt_project.yml").is_file():
        return []
    try:
        read_vars(project / path, project / "dbt_project")
    except VarsError as error:
        return [_shown(error, project)]
    return []


def _shown(error: Exception, project: Path) -> str:
    """Return the words of an error, with its path as people write it in the project's folder."""
    return str(error).replace(f"{project}/", "")


def _of_meltano(project: Path) -> list[str]:
    try:
        file = YamlFile.read(project / OWN_MELTANO)
    except YamlError as error:
        return [_shown(error, project)]
    if file is None:
        return []
    if not isinstance(file.value, dict):
        what = "it says nothing" if file.value is None else "it is no map of sections"
        return [f"{OWN_MELTANO}: {what}: Meltano refuses such a file; remove it"]
    tracked = _tracked(project)
    sections = (_ENV, *_SECTIONS)
    found: list[Problem] = [
        ((name,), f"{name} does not count here; there is {', '.join(sections)}")
        for name in file.value
        if name not in sections
    ]
    found += _of_env(file.value.get(_ENV), Known.of(tracked))
    found += _of_sections(file.value, tracked)
    return [f"{OWN_MELTANO}, line {file.line(*where)}: {what}" for where, what in found]


def _of_env(given: object, known: Known) -> Iterator[Problem]:
    if given is None:
        return
    if not isinstance(given, dict):
        yield (_ENV,), "env must be a map of variables to values"
        return
    for name, value in given.items():
        where = (_ENV, str(name))
        problem = known.problem(str(name))
        if str(name).startswith(_BELONG_INTO_ENV_FILE):
            yield where, f"{name} belongs into .env, which the other programs read, too"
        elif problem:
            yield where, problem
        elif value is None:
            yield where, f"{name} has no value"
        elif reference := _reference(value):
            yield where, f"{name}: Meltano leaves {reference} as it is here: write it into .env"
        elif not _is_of(known.kinds.get(str(name), "string"), value):
            yield where, f"{name} must be {_WORDS[known.kinds[str(name)]]}"


def _reference(value: object) -> str | None:
    """Return a text in a value that is a variable and no more; None where there is none."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return next((found for each in inner if (found := _reference(each))), None)
    return value if isinstance(value, str) and _REFERENCE.fullmatch(value) else None


_WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "a map",
}


def _is_of(kind: str, value: object) -> bool:
    """Return whether Meltano takes a value for one of this kind; a text counts as what it holds."""
    if kind not in _WORDS:
        return True
    if isinstance(value, str):
        value = _held(value)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, list if kind == "array" else dict)


def _held(text: str) -> object:
    """Return what a text holds, as Meltano reads it: JSON, or Python's own form."""
    try:
        return json.loads(text)
    except ValueError:
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text


def _of_sections(own: Mapping[str, Any], tracked: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _of_form(own)
    theirs = dict(_named(tracked))
    entries = dict(_named(own))
    seen: set[tuple[object, ...]] = set()
    for where, name in entries.items():
        section = where[:-1]
        if not isinstance(name, str):
            yield where, f"an entry of {section[0]} needs a name"
        elif name in {other for place, other in theirs.items() if place[:-1] == section}:
            yield where, f"meltano.yml has {name} already, and that one counts: choose another name"
        elif (*section, name) in seen:
            yield where, f"{name} is there twice: choose another name"
        else:
            seen.add((*section, name))
    named = [*theirs.items(), *entries.items()]
    jobs = {name for place, name in named if place[0] == "jobs" and isinstance(name, str)}
    for place, schedule in enumerate(_list(own.get("schedules"))):
        job = schedule.get("job") if isinstance(schedule, dict) else None
        if job is not None and (not isinstance(job, str) or job not in jobs):
            yield ("schedules", place, "job"), f"there is no job {job}{_meant(str(job), jobs)}"


def _of_form(own: Mapping[str, Any]) -> Iterator[Problem]:
    for section in _SECTIONS:
        found = own.get(section)
        if section == _PLUGINS:
            is_right = isinstance(found, dict) and all(
                isinstance(each, list | None) for each in found.values()
            )
            form = "a map of kinds, such as extractors, to lists"
        else:
            is_right, form = isinstance(found, list), "a list"
        if found is not None and not is_right:
            yield (section,), f"{section} must be {form}"


def _named(content: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield each entry of the sections: where it is, and its name."""
    for section in _SECTIONS:
        found = content.get(section)
        parts = found.items() if isinstance(found, dict) else [(None, found)]
        for part, entries in parts:
            for place, entry in enumerate(_list(entries)):
                where = (section, place) if part is None else (section, part, place)
                yield where, entry.get("name") if isinstance(entry, dict) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _meant(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f": did you mean {near[0]}?" if near else f"; there is {', '.join(sorted(known))}"


def _variable(name: str) -> str:
    return name.upper().replace("-", "_").replace(".", "_")
