"""What stands in several places says the same everywhere."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_kananas.tap import TapKananas
from tap_kizen.tap import TapKizen
from target_duckdb.target import TargetDuckDB
from tools.plugin_definitions import definitions
from tools.settings_tables import BUILT_IN, render

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_the_page_of_settings_is_what_about_tells() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert render() == page, "run `make docs`"


def test_the_plugin_definitions_are_those_of_meltano_yml() -> None:
    found = {
        str(file.relative_to(ROOT / "plugins")): yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in (ROOT / "plugins").rglob("*.yml")
    }
    assert found == definitions(), "run `make docs`"


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
    for name in ("tap-kananas", "tap-kizen"):
        (setting,) = [s for s in plugins[name]["settings"] if s["name"] == "batch_config"]
        assert setting["value"]["storage"]["root"].startswith("$MELTANO_PROJECT_ROOT/.meltano/")
        elsewhere = definitions()[f"extractors/{name}.yml"]["settings"]
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
    assert names <= settings | {"DUCKDB_PATH", "DUCKDB_PUBLISH_DIR"}
    required = {"TAP_KANANAS_SECRET_KEY", "TAP_KIZEN_API_KEY", "TAP_KIZEN_USER_ID"}
    assert required <= names


def test_no_lock_file_names_a_registry() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        text = file.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text


def _imported(module: ast.Module) -> Iterator[str]:
    """Yield the names that a module imports when it is loaded: not for types, not in functions."""
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_modules_import_each_other_in_a_circle() -> None:
    packages = [file.parent for file in ROOT.glob("*/__init__.py") if file.parent.name != "tests"]
    modules = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts): _imported(
            ast.parse(file.read_text(encoding="utf-8"))
        )
        for package in packages
        for file in package.rglob("*.py")
    }
    assert "target_duckdb.target" in modules
    ours = {name: {other for other in found if other in modules} for name, found in modules.items()}
    TopologicalSorter(ours).prepare()  # raises CycleError, which names the circle
