"""What stands in several places says the same everywhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_kananas.tap import TapKananas
from tap_kizen.tap import TapKizen
from target_duckdb.target import TargetDuckDB
from tools import lock
from tools.docs import generated
from tools.plugins import definitions, project_file
from tools.settings_page import BUILT_IN, render

if TYPE_CHECKING:
    from singer_sdk.plugin_base import PluginBase

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS: dict[str, type[PluginBase]] = {
    "tap-kananas": TapKananas,
    "tap-kizen": TapKizen,
    "target-duckdb": TargetDuckDB,
}
KINDS = {
    "string": {"string", "options"},
    "integer": {"integer"},
    "number": {"integer"},  # Meltano 4.4 fails on a decimal from the environment
    "boolean": {"boolean"},
    "array": {"array"},
    "object": {"object"},
}


def _plugins() -> dict[str, dict[str, Any]]:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    kinds = project["plugins"]
    return {p["name"]: p for kind in ("extractors", "loaders") for p in kinds[kind]}


def test_what_is_made_from_the_code_is_as_the_code_is() -> None:
    made = generated()
    assert len(made) >= 8
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `make docs`"
    definitions_on_file = {*(ROOT / "plugins").rglob("*.yml")}
    assert definitions_on_file == {path for path in made if path.is_relative_to(ROOT / "plugins")}


def test_a_setting_of_the_program_gets_into_every_file_that_names_settings() -> None:
    text = (ROOT / "meltano.yml").read_text(encoding="utf-8")
    tag = {"type": ["integer", "null"], "default": 7, "title": "Tag", "description": "A\n  tag."}
    schema = {"properties": {"api_key": {"type": ["string"], "description": "K."}, "tag": tag}}
    changed = project_file(text, {"tap-kizen": {**schema, "required": ["api_key"]}})
    (plugin,) = [
        each
        for each in yaml.safe_load(changed)["plugins"]["extractors"]
        if each["name"] == "tap-kizen"
    ]
    assert plugin["settings_group_validation"] == [["api_key"]]
    assert plugin["settings"][1:] == [
        {"name": "tag", "kind": "integer", "value": 7, "label": "Tag", "description": "A tag."}
    ]
    assert plugin["use_cached_catalog"] is False
    without = [line for line in text.splitlines() if line.startswith("  - name")]
    assert [line for line in changed.splitlines() if line.startswith("  - name")] == without
    assert plugin["settings"][1] in definitions(changed)["extractors/tap-kizen.yml"]["settings"]
    assert "| `tag` | `TAP_KIZEN_TAG` | `7` | A tag. |" in render(
        {"tap-kizen": {"settings": schema}}
    )


def test_meltano_can_read_its_file_in_any_locale() -> None:
    """Meltano 4.4 reads it in the encoding of the locale, and cron has none."""
    assert (ROOT / "meltano.yml").read_bytes().isascii()


def test_meltano_reads_each_setting_of_a_utility_from_its_variable() -> None:
    """By the name of the plugin or its namespace; `env` alone names only what the program gets."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    utilities = project["plugins"]["utilities"]
    assert {"dbt", "parquet", "publish", "report"} <= {each["name"] for each in utilities}
    for plugin in utilities:
        for setting in plugin["settings"]:
            prefixes = (plugin["name"], plugin["namespace"])
            read = {f"{prefix}_{setting['name']}".upper() for prefix in prefixes}
            assert setting["env"] in read, (plugin["name"], setting["name"])


@pytest.mark.parametrize("name", PROGRAMS)
def test_meltano_knows_every_setting_of_a_program(name: str) -> None:
    program = PROGRAMS[name]
    program.append_builtin_config(program.config_jsonschema)
    schema = program.config_jsonschema["properties"]
    own = {setting: rule for setting, rule in schema.items() if not BUILT_IN.match(setting)}
    settings = _plugins()[name]["settings"]
    known = {each["name"]: each for each in settings if not BUILT_IN.match(each["name"])}
    assert known.keys() == own.keys()
    for setting, rule in own.items():
        types = set(rule["type"]) if isinstance(rule["type"], list) else {rule["type"]}
        (type_,) = types - {"null"}
        assert known[setting]["kind"] in KINDS[type_], setting
        assert known[setting].get("sensitive", False) == rule.get("secret", False), setting
        value = known[setting].get("value")
        if value is not None and not str(value).startswith("$"):
            assert value == rule.get("default") or setting == "add_record_metadata", setting


def test_batch_files_are_the_way_to_this_loader_only() -> None:
    """Another project's loader may know no BATCH messages."""
    plugins = _plugins()
    project = (ROOT / "meltano.yml").read_text(encoding="utf-8")
    for name in ("tap-kananas", "tap-kizen"):
        (setting,) = [s for s in plugins[name]["settings"] if s["name"] == "batch_config"]
        assert setting["value"]["storage"]["root"].startswith("$MELTANO_PROJECT_ROOT/.meltano/")
        elsewhere = definitions(project)[f"extractors/{name}.yml"]["settings"]
        (setting,) = [each for each in elsewhere if each["name"] == "batch_config"]
        assert "value" not in setting


def test_the_example_of_env_names_settings_there_are() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    names = {match[1] for line in lines if (match := re.match(r"^(?:# )?([A-Z_]+)=", line))}
    settings = {
        f"{plugin}_{setting['name']}".upper().replace("-", "_")
        for plugin, entry in _plugins().items()
        for setting in entry["settings"]
    }
    # Those of `refresh` are looked at by tests/refresh/test_docs.py.
    others = {name for name in names if name.startswith("REFRESH_")}
    # What the library of object stores reads by itself.
    others |= {"AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"}
    paths = {f"DUCKDB_{name}" for name in ("DECISIONS_PATH", "PATH", "PUBLISH_DIR", "RUNS_PATH")}
    assert names - others <= settings | paths | {"PARQUET_URL"}
    required = {"TAP_KANANAS_SECRET_KEY", "TAP_KIZEN_API_KEY", "TAP_KIZEN_USER_ID"}
    assert required <= names


def test_lock_files_have_hashes_and_name_no_registry() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        text = file.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        # An installer refuses a file that is not the one that was locked.
        packages = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, flags=re.MULTILINE | re.DOTALL)
        assert packages, file
        assert [each for each in packages if "--hash=sha256:" not in each] == [], file


def test_goals_that_run_pytest_name_tests_that_it_finds() -> None:
    """A folder is looked through for `test_*.py` alone: files of other names have to be named."""
    named = re.findall(r"pytest .*?(tests/\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert "tests/target_duckdb" in named
    for path in named:
        found = sorted(ROOT.glob(path))
        assert found, path
        for each in found:
            assert each.is_file() or list(each.rglob("test_*.py")), path


def test_each_requirement_file_is_compiled_by_make_lock() -> None:
    files = {path.stem for path in (ROOT / "requirements").glob("*.txt")}
    assert files == lock.PLUGINS.keys()
